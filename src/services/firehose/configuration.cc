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

// A backup's configuration as it is shown.
template <class Configuration>
wire::S3DestinationDescription DescribeBackup(const Configuration& from, std::optional<wire::S3DestinationDescription> before) {
    wire::ExtendedS3DestinationDescription common;
    common.CompressionFormat = before ? before->CompressionFormat : std::string(wire::CompressionFormat::kUncompressed);
    common.EncryptionConfiguration = before ? before->EncryptionConfiguration : NoEncryption();
    if (before) {
        common.Prefix = before->Prefix;
        common.ErrorOutputPrefix = before->ErrorOutputPrefix;
        common.BufferingHints = before->BufferingHints;
        common.CloudWatchLoggingOptions = before->CloudWatchLoggingOptions;
    }
    TakeCommon(from, common);
    wire::S3DestinationDescription to;
    if (before) {
        to.RoleARN = before->RoleARN;
        to.BucketARN = before->BucketARN;
    }
    if constexpr (requires { from.RoleARN.has_value(); }) {
        if (from.RoleARN) to.RoleARN = *from.RoleARN;
        if (from.BucketARN) to.BucketARN = *from.BucketARN;
    } else {
        to.RoleARN = from.RoleARN;
        to.BucketARN = from.BucketARN;
    }
    to.Prefix = common.Prefix;
    to.ErrorOutputPrefix = common.ErrorOutputPrefix;
    to.BufferingHints = common.BufferingHints;
    if (!to.BufferingHints.SizeInMBs) to.BufferingHints.SizeInMBs = 5;
    if (!to.BufferingHints.IntervalInSeconds) to.BufferingHints.IntervalInSeconds = 300;
    to.CompressionFormat = common.CompressionFormat;
    to.EncryptionConfiguration = common.EncryptionConfiguration;
    to.CloudWatchLoggingOptions = common.CloudWatchLoggingOptions;
    return to;
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
    if constexpr (requires { from.S3BackupConfiguration; }) {
        if (from.S3BackupConfiguration) to.S3BackupDescription = DescribeBackup(*from.S3BackupConfiguration, {});
    } else if (from.S3BackupUpdate) {
        to.S3BackupDescription = DescribeBackup(*from.S3BackupUpdate, to.S3BackupDescription);
    }
}

bool PartitionsOf(const wire::ExtendedS3DestinationDescription& description) {
    return description.DynamicPartitioningConfiguration && description.DynamicPartitioningConfiguration->Enabled.value_or(false);
}

api::Outcome<wire::ExtendedS3DestinationDescription> Checked(wire::ExtendedS3DestinationDescription description) {
    if (description.EncryptionConfiguration.KMSEncryptionConfig ||
        (description.S3BackupDescription && description.S3BackupDescription->EncryptionConfiguration.KMSEncryptionConfig)) {
        return unexpected(errors::InvalidArgumentException("Encryption by a KMS key is not served."));
    }
    const bool partitions = PartitionsOf(description);
    const bool converts = description.DataFormatConversionConfiguration && description.DataFormatConversionConfiguration->Enabled.value_or(true);
    if (!description.BufferingHints.SizeInMBs) description.BufferingHints.SizeInMBs = converts || partitions ? 128 : 5;
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
    const wire::ExtendedS3DestinationDescription old = before;
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
    const bool partitioned = PartitionsOf(before);
    if (partitioned != PartitionsOf(old)) {
        return unexpected(errors::InvalidArgumentException(
            "Dynamic Partitioning can neither be enabled nor disabled for a delivery stream that exists."));
    }
    return Checked(std::move(before));
}

}  // namespace wellhead::services::firehose
