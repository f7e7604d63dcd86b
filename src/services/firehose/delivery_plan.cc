#include "services/firehose/delivery_plan.h"

#include <fmt/format.h>

namespace wellhead::services::firehose {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

Result<void> TakeProcessing(const wire::ProcessingConfiguration& processing, DeliveryPlan& plan) {
    if (!processing.Enabled.value_or(false) || !processing.Processors) return {};
    for (const wire::Processor& processor : *processing.Processors) {
        if (processor.Type != wire::ProcessorType::kAppendDelimiterToRecord) {
            return Fail(ErrorCode::kUnsupported, fmt::format("Processors of type {} are not served.", processor.Type));
        }
        if (processor.Parameters) {
            for (const wire::ProcessorParameter& parameter : *processor.Parameters) {
                if (parameter.ParameterName == "Delimiter" && parameter.ParameterValue != "\\n" && parameter.ParameterValue != "\n") {
                    return Fail(ErrorCode::kInvalidArgument, "The only delimiter is \\n.");
                }
            }
        }
        plan.append_newline = true;
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
        const auto& formats = deserializer.HiveJsonSerDe->TimestampFormats;
        if (formats && !formats->empty()) {
            return Fail(ErrorCode::kUnsupported, "TimestampFormats are not served: ISO 8601 and epoch numbers are read without.");
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
    if (plan.gzip) return Fail(ErrorCode::kInvalidArgument, "CompressionFormat must be UNCOMPRESSED with format conversion.");
    plan.conversion = std::move(conversion);
    plan.extension = ".parquet";
    return {};
}

}  // namespace

Result<DeliveryPlan> MakePlan(const wire::DeliveryStreamDescription& stream, const std::string& stream_id) {
    const wire::ExtendedS3DestinationDescription& s3 = *stream.Destinations.at(0).ExtendedS3DestinationDescription;
    DeliveryPlan plan;
    plan.stream_name = stream.DeliveryStreamName;
    plan.stream_id = stream_id;
    plan.version = stream.VersionId;
    const size_t colons = s3.BucketARN.rfind(":::");
    if (colons == std::string::npos) return Fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a bucket's ARN.", s3.BucketARN));
    plan.bucket = s3.BucketARN.substr(colons + 3);
    ASSIGN_OR_RETURN(plan.prefix, ObjectPrefix::Parse(s3.Prefix.value_or(""), false));
    ASSIGN_OR_RETURN(plan.error_prefix, ObjectPrefix::Parse(s3.ErrorOutputPrefix.value_or(""), true));
    if (s3.Prefix && s3.Prefix->find("!{") != std::string::npos && !s3.ErrorOutputPrefix) {
        return Fail(ErrorCode::kInvalidArgument, "ErrorOutputPrefix is needed when Prefix has expressions.");
    }
    if (s3.ErrorOutputPrefix && s3.ErrorOutputPrefix->find("!{") != std::string::npos &&
        s3.ErrorOutputPrefix->find("!{firehose:error-output-type}") == std::string::npos) {
        return Fail(ErrorCode::kInvalidArgument, "ErrorOutputPrefix with expressions needs !{firehose:error-output-type}.");
    }
    if (s3.CustomTimeZone && *s3.CustomTimeZone != "UTC") return Fail(ErrorCode::kUnsupported, "CustomTimeZone other than UTC is not served.");
    if (s3.S3BackupMode == wire::S3BackupMode::kEnabled) return Fail(ErrorCode::kUnsupported, "S3BackupMode Enabled is not served.");
    if (s3.DynamicPartitioningConfiguration && s3.DynamicPartitioningConfiguration->Enabled.value_or(false)) {
        return Fail(ErrorCode::kUnsupported, "Dynamic partitioning is not served.");
    }
    if (s3.CompressionFormat != "UNCOMPRESSED" && s3.CompressionFormat != "GZIP") {
        return Fail(ErrorCode::kUnsupported, fmt::format("CompressionFormat {} is not served; UNCOMPRESSED and GZIP are.", s3.CompressionFormat));
    }
    plan.gzip = s3.CompressionFormat == "GZIP";
    plan.extension = plan.gzip ? ".gz" : "";
    if (s3.ProcessingConfiguration) RETURN_IF_ERROR(TakeProcessing(*s3.ProcessingConfiguration, plan));
    if (s3.DataFormatConversionConfiguration) RETURN_IF_ERROR(TakeConversion(*s3.DataFormatConversionConfiguration, plan));
    if (s3.FileExtension && !s3.FileExtension->empty()) plan.extension = *s3.FileExtension;
    const int32_t size = s3.BufferingHints.SizeInMBs.value_or(plan.conversion ? 128 : 5);
    if (plan.conversion && size < 64 && s3.BufferingHints.SizeInMBs) {
        return Fail(ErrorCode::kInvalidArgument, "BufferingHints.SizeInMBs must be at least 64 with format conversion.");
    }
    plan.buffer_bytes = static_cast<uint64_t>(size) << 20;
    plan.buffer_time = std::chrono::seconds(s3.BufferingHints.IntervalInSeconds.value_or(300));
    return plan;
}

}  // namespace wellhead::services::firehose
