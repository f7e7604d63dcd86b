// Kinesis by the AWS SDK for Java: CBOR, HTTP/2, enhanced fan-out. Prints a line a step; ends with 1 when one differs.

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardEvent;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardResponseHandler;

public class Streams {
    static final String STREAM = "java";
    static final String SHARD = "shardId-000000000000";

    static void expect(String what, Object expected, Object actual) {
        System.out.println(what + ": " + actual);
        if (expected.equals(actual)) return;
        System.err.println(what + ": " + expected + " was expected");
        System.exit(1);
    }

    static List<String> subscribe(KinesisAsyncClient kinesis, String consumer) throws Exception {
        CompletableFuture<List<String>> seen = new CompletableFuture<>();
        List<String> data = new ArrayList<>();
        var handler = SubscribeToShardResponseHandler.builder().onError(seen::completeExceptionally).subscriber(event -> {
            if (!(event instanceof SubscribeToShardEvent records)) return;
            records.records().forEach(record -> data.add(record.data().asUtf8String()));
            if (data.size() == 1) {
                kinesis.putRecord(r -> r.streamName(STREAM).partitionKey("k").data(SdkBytes.fromUtf8String("two")));
            }
            if (data.size() == 2) seen.complete(data);
        }).build();
        kinesis.subscribeToShard(r -> r.consumerARN(consumer).shardId(SHARD)
                .startingPosition(p -> p.type(ShardIteratorType.TRIM_HORIZON)), handler);
        return seen.get(20, TimeUnit.SECONDS);
    }

    public static void main(String[] arguments) throws Exception {
        try (KinesisAsyncClient async = KinesisAsyncClient.create(); KinesisClient kinesis = KinesisClient.create()) {
            async.createStream(r -> r.streamName(STREAM).shardCount(1)).get();
            async.waiter().waitUntilStreamExists(r -> r.streamName(STREAM)).get();
            var entry = PutRecordsRequestEntry.builder().partitionKey("k").data(SdkBytes.fromUtf8String("one")).build();
            expect("failed", 0, async.putRecords(r -> r.streamName(STREAM).records(entry)).get().failedRecordCount());
            String iterator = kinesis.getShardIterator(r -> r.streamName(STREAM).shardId(SHARD)
                    .shardIteratorType(ShardIteratorType.TRIM_HORIZON)).shardIterator();
            expect("read", "one", kinesis.getRecords(r -> r.shardIterator(iterator)).records().get(0).data().asUtf8String());
            String arn = kinesis.describeStreamSummary(r -> r.streamName(STREAM)).streamDescriptionSummary().streamARN();
            var consumer = async.registerStreamConsumer(r -> r.streamARN(arn).consumerName("c")).get().consumer();
            expect("pushed", List.of("one", "two"), subscribe(async, consumer.consumerARN()));
            try {
                kinesis.describeStream(r -> r.streamName("none"));
                expect("error", "ResourceNotFoundException", "none");
            } catch (ResourceNotFoundException error) {
                expect("error", "Stream none under account 000000000000 not found.", error.awsErrorDetails().errorMessage());
            }
        }
        System.exit(0);
    }
}
