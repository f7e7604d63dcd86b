#pragma once
// From what CreateDeliveryStream and UpdateDestination are told to what DescribeDeliveryStream shows.

#include "api/service.h"
#include "apis/firehose/types.h"

namespace wellhead::services::firehose {

namespace wire = apis::firehose;

// Refuses destinations and sources that are not served, by name.
api::Outcome<wire::ExtendedS3DestinationDescription> DescribeDestination(const wire::CreateDeliveryStreamInput& input);
api::Outcome<wire::ExtendedS3DestinationDescription> UpdateDescription(wire::ExtendedS3DestinationDescription before,
                                                                       const wire::UpdateDestinationInput& input);

}  // namespace wellhead::services::firehose
