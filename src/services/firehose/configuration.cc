#include "services/firehose/configuration.h"

#include <fmt/format.h>

#include "apis/firehose/errors.h"

namespace wellhead::services::firehose {
namespace {

using std::unexpected;
namespace errors = apis::firehose;

wire::EncryptionConfiguration NoEncryption() {
    wire::EncryptionConfiguration encryption;
    encryption.NoEncryptionConfig = wire::NoEncryptionConfig::kNoEncryption;
    return encryption;
}

// The members that both forms of an S3 destination have.
template <class Configuration>
void TakeCommon(const Configuration& from, wire::ExtendedS3DestinationDescription& to) {
    const auto take = [](auto& target, const auto& source) {
        if (source) target = source;
    };
    take(to.Prefix, from.Prefix);
    take(to.ErrorOutputPrefix, from.ErrorOutputPrefix);
    take(to.CloudWatchLoggingOptions, from.CloudWatchLoggingOptions);
    if (from.BufferingHints) {
        take(to.BufferingHints.SizeInMBs, from.BufferingHints->SizeInMBs);
        take(to.BufferingHints.IntervalInSeconds, from.BufferingHints->IntervalInSeconds);
    }
    if (from.CompressionFormat) to.CompressionFormat = *from.CompressionFormat;
    if (from.EncryptionConfiguration) to.EncryptionConfiguration = *from.EncryptionConfiguration;
}

template <class Configuration>
void TakeExtended(const Configuration& from, wire::ExtendedS3DestinationDescription& to) {
    const auto take = [](auto& target, const auto& source) {
        if (source) target = source;
    };
    take(to.ProcessingConfiguration, from.ProcessingConfiguration);
    take(to.S3BackupMode, from.S3BackupMode);
    take(to.DataFormatConversionConfiguration, from.DataFormatConversionConfiguration);
    take(to.DynamicPartitioningConfiguration, from.DynamicPartitioningConfiguration);
    take(to.FileExtension, from.FileExtension);
    take(to.CustomTimeZone, from.CustomTimeZone);
}

api::Outcome<wire::ExtendedS3DestinationDescription> Checked(wire::ExtendedS3DestinationDescription description) {
    if (description.EncryptionConfiguration.KMSEncryptionConfig) {
        return unexpected(errors::InvalidArgumentException("Encryption by a KMS key is not served."));
    }
    const bool converts = description.DataFormatConversionConfiguration && description.DataFormatConversionConfiguration->Enabled.value_or(true);
    if (!description.BufferingHints.SizeInMBs) description.BufferingHints.SizeInMBs = converts ? 128 : 5;
    if (!description.BufferingHints.IntervalInSeconds) description.BufferingHints.IntervalInSeconds = 300;
    return description;
}

}  // namespace

api::Outcome<wire::ExtendedS3DestinationDescription> DescribeDestination(const wire::CreateDeliveryStreamInput& input) {
    const std::pair<const char*, bool> refused[] = {
        {"RedshiftDestinationConfiguration", input.RedshiftDestinationConfiguration.has_value()},
        {"ElasticsearchDestinationConfiguration", input.ElasticsearchDestinationConfiguration.has_value()},
        {"AmazonopensearchserviceDestinationConfiguration", input.AmazonopensearchserviceDestinationConfiguration.has_value()},
        {"SplunkDestinationConfiguration", input.SplunkDestinationConfiguration.has_value()},
        {"HttpEndpointDestinationConfiguration", input.HttpEndpointDestinationConfiguration.has_value()},
        {"AmazonOpenSearchServerlessDestinationConfiguration", input.AmazonOpenSearchServerlessDestinationConfiguration.has_value()},
        {"SnowflakeDestinationConfiguration", input.SnowflakeDestinationConfiguration.has_value()},
        {"IcebergDestinationConfiguration", input.IcebergDestinationConfiguration.has_value()},
        {"MSKSourceConfiguration", input.MSKSourceConfiguration.has_value()},
        {"DatabaseSourceConfiguration", input.DatabaseSourceConfiguration.has_value()},
        {"DeliveryStreamEncryptionConfigurationInput", input.DeliveryStreamEncryptionConfigurationInput.has_value()},
    };
    for (const auto& [name, given] : refused) {
        if (given) return unexpected(errors::InvalidArgumentException(fmt::format("{} is not served.", name)));
    }
    if (input.ExtendedS3DestinationConfiguration.has_value() == input.S3DestinationConfiguration.has_value()) {
        return unexpected(errors::InvalidArgumentException("Exactly one destination configuration is supported for a Firehose."));
    }
    wire::ExtendedS3DestinationDescription description;
    description.CompressionFormat = wire::CompressionFormat::kUncompressed;
    description.EncryptionConfiguration = NoEncryption();
    description.S3BackupMode = wire::S3BackupMode::kDisabled;
    if (input.ExtendedS3DestinationConfiguration) {
        description.RoleARN = input.ExtendedS3DestinationConfiguration->RoleARN;
        description.BucketARN = input.ExtendedS3DestinationConfiguration->BucketARN;
        TakeCommon(*input.ExtendedS3DestinationConfiguration, description);
        TakeExtended(*input.ExtendedS3DestinationConfiguration, description);
    } else {
        description.RoleARN = input.S3DestinationConfiguration->RoleARN;
        description.BucketARN = input.S3DestinationConfiguration->BucketARN;
        TakeCommon(*input.S3DestinationConfiguration, description);
    }
    return Checked(std::move(description));
}

api::Outcome<wire::ExtendedS3DestinationDescription> UpdateDescription(wire::ExtendedS3DestinationDescription before,
                                                                       const wire::UpdateDestinationInput& input) {
    if (input.ExtendedS3DestinationUpdate.has_value() == input.S3DestinationUpdate.has_value()) {
        return unexpected(errors::InvalidArgumentException("Only an S3 destination is served, and exactly one update of it."));
    }
    const auto arns = [&before](const auto& update) {
        if (update.RoleARN) before.RoleARN = *update.RoleARN;
        if (update.BucketARN) before.BucketARN = *update.BucketARN;
    };
    if (input.ExtendedS3DestinationUpdate) {
        arns(*input.ExtendedS3DestinationUpdate);
        TakeCommon(*input.ExtendedS3DestinationUpdate, before);
        TakeExtended(*input.ExtendedS3DestinationUpdate, before);
    } else {
        arns(*input.S3DestinationUpdate);
        TakeCommon(*input.S3DestinationUpdate, before);
    }
    return Checked(std::move(before));
}

}  // namespace wellhead::services::firehose
