#include "services/firehose/delivery_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/base64.h"
#include "services/firehose/partition_query.h"

namespace wellhead::services::firehose {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr int32_t kLeastConvertedMb = 64;
constexpr int32_t kLeastPartitionedMb = 64;

std::string Parameter(const wire::Processor& processor, std::string_view name, std::string otherwise = "") {
    if (!processor.Parameters) return otherwise;
    for (const wire::ProcessorParameter& parameter : *processor.Parameters) {
        if (parameter.ParameterName == name) return parameter.ParameterValue;
    }
    return otherwise;
}

Result<void> TakeSplit(const wire::Processor& processor, Processing& processing) {
    const std::string type = Parameter(processor, "SubRecordType");
    if (type == "JSON") {
        processing.split = Processing::Split::kJson;
        return {};
    }
    if (type != "DELIMITED") return Fail(ErrorCode::kInvalidArgument, "RecordDeAggregation needs SubRecordType JSON or DELIMITED.");
    auto delimiter = codec::DecodeBase64(Parameter(processor, "Delimiter"));
    if (!delimiter || delimiter->empty()) {
        return Fail(ErrorCode::kInvalidArgument, "RecordDeAggregation of DELIMITED records needs a Delimiter in base64.");
    }
    processing.split = Processing::Split::kDelimited;
    processing.split_delimiter = std::move(*delimiter);
    return {};
}

Result<void> TakeProcessor(const wire::Processor& processor, Processing& processing) {
    if (processor.Type == wire::ProcessorType::kAppendDelimiterToRecord) {
        const std::string delimiter = Parameter(processor, "Delimiter", "\\n");
        processing.append = delimiter == "\\n" ? "\n" : delimiter;
        return {};
    }
    if (processor.Type == wire::ProcessorType::kRecordDeAggregation) return TakeSplit(processor, processing);
    if (processor.Type == wire::ProcessorType::kMetadataExtraction) {
        if (Parameter(processor, "JsonParsingEngine", "JQ-1.6") != "JQ-1.6") {
            return Fail(ErrorCode::kInvalidArgument, "The only JsonParsingEngine is JQ-1.6.");
        }
        processing.partition_query = Parameter(processor, "MetadataExtractionQuery");
        if (processing.partition_query.empty()) {
            return Fail(ErrorCode::kInvalidArgument, "MetadataExtraction needs a MetadataExtractionQuery.");
        }
        RETURN_IF_ERROR(PartitionQuery::Compile(processing.partition_query));
        return {};
    }
    if (processor.Type == wire::ProcessorType::kDecompression) {
        if (Parameter(processor, "CompressionFormat", "GZIP") != "GZIP") {
            return Fail(ErrorCode::kInvalidArgument, "Decompression is of GZIP.");
        }
        processing.gunzip = true;
        return {};
    }
    if (processor.Type == wire::ProcessorType::kCloudWatchLogProcessing) {
        processing.cloudwatch_messages = Parameter(processor, "DataMessageExtraction", "false") == "true";
        return {};
    }
    return Fail(ErrorCode::kUnsupported, fmt::format("Processors of type {} are not served.", processor.Type));
}

Result<void> TakeProcessing(const wire::ProcessingConfiguration& configuration, Processing& processing) {
    if (!configuration.Enabled.value_or(false) || !configuration.Processors) return {};
    for (const wire::Processor& processor : *configuration.Processors) RETURN_IF_ERROR(TakeProcessor(processor, processing));
    if (processing.cloudwatch_messages && !processing.gunzip) {
        return Fail(ErrorCode::kInvalidArgument, "CloudWatchLogProcessing needs Decompression before it.");
    }
    return {};
}

Result<void> CheckPartitioning(const wire::ExtendedS3DestinationDescription& s3, const DeliveryPlan& plan) {
    const bool enabled = s3.DynamicPartitioningConfiguration && s3.DynamicPartitioningConfiguration->Enabled.value_or(false);
    const bool queried = !plan.processing.partition_query.empty();
    const auto& used = plan.prefix.partition_keys();
    if (!enabled) {
        if (queried) {
            return Fail(ErrorCode::kInvalidArgument,
                        "MetadataExtraction processor can only be present when Dynamic Partitioning is enabled.");
        }
        if (!used.empty()) {
            return Fail(ErrorCode::kInvalidArgument,
                        "Prefix can only have partitionKeyFromQuery when Dynamic Partitioning is enabled.");
        }
        return {};
    }
    if (used.empty()) {
        return Fail(ErrorCode::kInvalidArgument, "With Dynamic Partitioning the Prefix needs partition keys (!{partitionKeyFromQuery:...}).");
    }
    if (!queried) {
        return Fail(ErrorCode::kInvalidArgument,
                    "MetadataExtraction processor should be present when partitionKeyFromQuery is used in the Prefix.");
    }
    if (s3.BufferingHints.SizeInMBs.value_or(kLeastPartitionedMb) < kLeastPartitionedMb) {
        return Fail(ErrorCode::kInvalidArgument, "BufferingHints.SizeInMBs must be at least 64 with Dynamic Partitioning.");
    }
    return {};
}

Result<void> TakeInput(const wire::DataFormatConversionConfiguration& configuration, Conversion& conversion) {
    if (!configuration.InputFormatConfiguration || !configuration.InputFormatConfiguration->Deserializer) {
        return Fail(ErrorCode::kInvalidArgument, "InputFormatConfiguration needs a Deserializer.");
    }
    const wire::Deserializer& deserializer = *configuration.InputFormatConfiguration->Deserializer;
    if (deserializer.OpenXJsonSerDe) {
        conversion.case_insensitive = deserializer.OpenXJsonSerDe->CaseInsensitive.value_or(true);
        conversion.dots_to_underscores = deserializer.OpenXJsonSerDe->ConvertDotsInJsonKeysToUnderscores.value_or(false);
        if (deserializer.OpenXJsonSerDe->ColumnToJsonKeyMappings) {
            conversion.key_of_column = *deserializer.OpenXJsonSerDe->ColumnToJsonKeyMappings;
        }
    } else if (deserializer.HiveJsonSerDe) {
        if (deserializer.HiveJsonSerDe->TimestampFormats) {
            conversion.timestamp_formats = *deserializer.HiveJsonSerDe->TimestampFormats;
        }
    } else {
        return Fail(ErrorCode::kInvalidArgument, "Deserializer must be OpenXJsonSerDe or HiveJsonSerDe.");
    }
    return {};
}

Result<void> TakeOutput(const wire::DataFormatConversionConfiguration& configuration, Conversion& conversion) {
    if (!configuration.OutputFormatConfiguration || !configuration.OutputFormatConfiguration->Serializer) {
        return Fail(ErrorCode::kInvalidArgument, "OutputFormatConfiguration needs a Serializer.");
    }
    const wire::Serializer& serializer = *configuration.OutputFormatConfiguration->Serializer;
    if (serializer.OrcSerDe) return Fail(ErrorCode::kUnsupported, "ORC is not served; use ParquetSerDe.");
    if (!serializer.ParquetSerDe) return Fail(ErrorCode::kInvalidArgument, "Serializer must be ParquetSerDe.");
    const std::string compression = serializer.ParquetSerDe->Compression.value_or("SNAPPY");
    conversion.compression = compression == "GZIP" ? "gzip" : compression == "UNCOMPRESSED" ? "uncompressed" : compression == "ZSTD" ? "zstd" : "snappy";
    return {};
}

Result<void> TakeConversion(const wire::DataFormatConversionConfiguration& configuration, DeliveryPlan& plan) {
    if (!configuration.Enabled.value_or(true)) return {};
    if (!configuration.SchemaConfiguration || !configuration.SchemaConfiguration->DatabaseName ||
        !configuration.SchemaConfiguration->TableName) {
        return Fail(ErrorCode::kInvalidArgument, "SchemaConfiguration needs DatabaseName and TableName.");
    }
    Conversion conversion;
    conversion.schema = *configuration.SchemaConfiguration;
    conversion.database = *conversion.schema.DatabaseName;
    conversion.table = *conversion.schema.TableName;
    if (conversion.schema.VersionId && *conversion.schema.VersionId != "LATEST") conversion.version = conversion.schema.VersionId;
    RETURN_IF_ERROR(TakeInput(configuration, conversion));
    RETURN_IF_ERROR(TakeOutput(configuration, conversion));
    if (plan.compression != Compression::kNone) {
        return Fail(ErrorCode::kInvalidArgument, "CompressionFormat must be UNCOMPRESSED with format conversion.");
    }
    plan.conversion = std::move(conversion);
    plan.extension = ".parquet";
    return {};
}

Result<std::string> BucketOf(const std::string& arn) {
    const size_t colons = arn.rfind(":::");
    if (colons == std::string::npos || colons + 3 == arn.size()) {
        return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a bucket's ARN.", arn));
    }
    return arn.substr(colons + 3);
}

Result<void> TakePrefixes(const wire::ExtendedS3DestinationDescription& s3, DeliveryPlan& plan) {
    ASSIGN_OR_RETURN(plan.prefix, ObjectPrefix::Parse(s3.Prefix.value_or(""), false));
    ASSIGN_OR_RETURN(plan.error_prefix, ObjectPrefix::Parse(s3.ErrorOutputPrefix.value_or(""), true));
    if (s3.Prefix && s3.Prefix->find("!{") != std::string::npos && s3.ErrorOutputPrefix.value_or("").empty()) {
        return Fail(ErrorCode::kInvalidArgument, "ErrorOutputPrefix is needed when Prefix has expressions.");
    }
    if (s3.ErrorOutputPrefix && s3.ErrorOutputPrefix->find("!{") != std::string::npos &&
        s3.ErrorOutputPrefix->find("!{firehose:error-output-type}") == std::string::npos) {
        return Fail(ErrorCode::kInvalidArgument, "ErrorOutputPrefix with expressions needs !{firehose:error-output-type}.");
    }
    return {};
}

Result<void> TakeBackup(const wire::ExtendedS3DestinationDescription& s3, DeliveryPlan& plan) {
    if (s3.S3BackupMode != wire::S3BackupMode::kEnabled) return {};
    if (!s3.S3BackupDescription) return Fail(ErrorCode::kInvalidArgument, "S3BackupMode Enabled needs an S3BackupConfiguration.");
    const wire::S3DestinationDescription& configured = *s3.S3BackupDescription;
    Backup backup;
    ASSIGN_OR_RETURN(backup.bucket, BucketOf(configured.BucketARN));
    ASSIGN_OR_RETURN(backup.prefix, ObjectPrefix::Parse(configured.Prefix.value_or(""), false));
    if (!backup.prefix.partition_keys().empty()) {
        return Fail(ErrorCode::kInvalidArgument, "The backup's Prefix cannot have partition keys.");
    }
    ASSIGN_OR_RETURN(backup.compression, CompressionOf(configured.CompressionFormat));
    plan.backup = std::move(backup);
    return {};
}

}  // namespace

Result<DeliveryPlan> MakePlan(const wire::DeliveryStreamDescription& stream, const std::string& stream_id,
                              const ZoneOffset& zone_offset) {
    const wire::ExtendedS3DestinationDescription& s3 = *stream.Destinations.at(0).ExtendedS3DestinationDescription;
    DeliveryPlan plan;
    plan.stream_name = stream.DeliveryStreamName;
    plan.stream_id = stream_id;
    plan.version = stream.VersionId;
    ASSIGN_OR_RETURN(plan.bucket, BucketOf(s3.BucketARN));
    RETURN_IF_ERROR(TakePrefixes(s3, plan));
    if (s3.CustomTimeZone && !s3.CustomTimeZone->empty() && *s3.CustomTimeZone != "UTC") {
        plan.time_zone = *s3.CustomTimeZone;
        plan.zone_offset = zone_offset;
        if (!zone_offset || !zone_offset(plan.time_zone, base::Instant{})) {
            return Fail(ErrorCode::kInvalidArgument, fmt::format("CustomTimeZone {} is not known.", plan.time_zone));
        }
    }
    ASSIGN_OR_RETURN(plan.compression, CompressionOf(s3.CompressionFormat));
    plan.extension = ExtensionOf(plan.compression);
    RETURN_IF_ERROR(TakeBackup(s3, plan));
    if (s3.ProcessingConfiguration) RETURN_IF_ERROR(TakeProcessing(*s3.ProcessingConfiguration, plan.processing));
    if (s3.DataFormatConversionConfiguration) RETURN_IF_ERROR(TakeConversion(*s3.DataFormatConversionConfiguration, plan));
    RETURN_IF_ERROR(CheckPartitioning(s3, plan));
    if (s3.FileExtension && !s3.FileExtension->empty()) plan.extension = *s3.FileExtension;
    const int32_t size = s3.BufferingHints.SizeInMBs.value_or(plan.conversion ? 128 : 5);
    if (plan.conversion && size < kLeastConvertedMb) {
        return Fail(ErrorCode::kInvalidArgument, "BufferingHints.SizeInMBs must be at least 64 with format conversion.");
    }
    plan.buffer_bytes = static_cast<uint64_t>(size) << 20;
    plan.buffer_time = std::chrono::seconds(s3.BufferingHints.IntervalInSeconds.value_or(300));
    return plan;
}

}  // namespace wellhead::services::firehose
