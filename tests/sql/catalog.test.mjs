// The Glue catalog as its clients use it: versions, partitions by expression and segment, batches, statistics, crawlers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as G from '@aws-sdk/client-glue';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startServer } from '../support/server.mjs';

let server, glue, s3;
const send = (Command, input) => glue.send(new Command(input));
const of = { DatabaseName: 'cat', TableName: 'Events' };
const input = (more = {}) => ({
    Name: 'Events', TableType: 'EXTERNAL_TABLE', PartitionKeys: [{ Name: 'Year', Type: 'int' }, { Name: 'kind', Type: 'string' }],
    StorageDescriptor: { Columns: [{ Name: 'Id', Type: 'bigint' }, { Name: 'v', Type: 'double' }], Location: 's3://lake/events/' }, ...more,
});
const partition = (...Values) => ({ Values, StorageDescriptor: { Location: `s3://lake/events/${Values.join('/')}/` } });

before(async () => {
    server = await startServer();
    glue = new G.GlueClient(server.client);
    s3 = new S3Client({ ...server.client, forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
    await send(G.CreateDatabaseCommand, { DatabaseInput: { Name: 'Cat' } });
    await send(G.CreateTableCommand, { DatabaseName: 'cat', TableInput: input() });
});
after(async () => { await server?.stop(); });

test('names are lower-case, versions are kept unless skipped, and a stale version is refused', async () => {
    const { Table } = await send(G.GetTableCommand, { DatabaseName: 'CAT', Name: 'EVENTS' });
    assert.deepEqual([Table.Name, Table.PartitionKeys[0].Name, Table.StorageDescriptor.Columns[0].Name, Table.VersionId], ['events', 'year', 'id', '0']);
    await send(G.UpdateTableCommand, { DatabaseName: 'cat', TableInput: input({ Description: 'one' }), VersionId: '0' });
    await assert.rejects(send(G.UpdateTableCommand, { DatabaseName: 'cat', TableInput: input(), VersionId: '0' }), { name: 'ConcurrentModificationException' });
    await send(G.UpdateTableCommand, { DatabaseName: 'cat', TableInput: input({ Description: 'two' }), SkipArchive: true });
    assert.deepEqual((await send(G.GetTableVersionsCommand, of)).TableVersions.map((v) => v.VersionId), ['2', '0']);
    const { Errors } = await send(G.BatchDeleteTableVersionCommand, { ...of, VersionIds: ['0', '2', '9'] });
    assert.deepEqual(Errors.map((e) => [e.VersionId, e.ErrorDetail.ErrorCode]), [['2', 'InvalidInputException'], ['9', 'EntityNotFoundException']]);
    assert.equal((await send(G.GetTableVersionsCommand, of)).TableVersions.length, 1);
});

test('batches of partitions tell each failure, and expressions compare by the type of the key', async () => {
    const many = [];
    for (let year = 2000; year < 2030; ++year) for (const kind of ['a', 'b']) many.push(partition(String(year), kind));
    assert.equal((await send(G.BatchCreatePartitionCommand, { ...of, PartitionInputList: many })).Errors.length, 0);
    const again = await send(G.BatchCreatePartitionCommand, { ...of, PartitionInputList: [partition('2000', 'a'), partition('1999', 'a'), partition('1')] });
    assert.deepEqual(again.Errors.map((e) => e.ErrorDetail.ErrorCode), ['AlreadyExistsException', 'InvalidInputException']);
    const values = async (Expression, more) => (await send(G.GetPartitionsCommand, { ...of, Expression, ...more })).Partitions.map((p) => p.Values.join('/'));
    assert.deepEqual(await values("year < 2001 AND kind = 'a'"), ['1999/a', '2000/a']);
    assert.deepEqual(await values("(year BETWEEN 2010 AND 2011 OR year IN (2020)) AND kind LIKE 'b%'"), ['2010/b', '2011/b', '2020/b']);
    assert.deepEqual(await values("NOT (year >= 2000)"), ['1999/a']);
    await assert.rejects(values('nothing = 1'), { name: 'InvalidInputException' });
    const first = await send(G.GetPartitionsCommand, { ...of, MaxResults: 50 });
    const second = await send(G.GetPartitionsCommand, { ...of, MaxResults: 50, NextToken: first.NextToken });
    assert.deepEqual([first.Partitions.length, second.Partitions.length, second.NextToken], [50, 11, undefined]);
    const segments = await Promise.all([0, 1, 2].map((SegmentNumber) => values(undefined, { Segment: { SegmentNumber, TotalSegments: 3 } })));
    assert.equal(new Set(segments.flat()).size, 61);
    const got = await send(G.BatchGetPartitionCommand, { ...of, PartitionsToGet: [{ Values: ['2001', 'a'] }, { Values: ['1', 'x'] }] });
    assert.equal(got.Partitions.length, 1);
    const deleted = await send(G.BatchDeletePartitionCommand, { ...of, PartitionsToDelete: [{ Values: ['1999', 'a'] }, { Values: ['1', 'x'] }] });
    assert.deepEqual(deleted.Errors.map((e) => e.ErrorDetail.ErrorCode), ['EntityNotFoundException']);
});

test('statistics of columns are kept for tables and partitions, and fall with them', async () => {
    const statistics = (ColumnName) => ({ ColumnName, ColumnType: 'bigint', AnalyzedTime: new Date(1700000000000),
        StatisticsData: { Type: 'LONG', LongColumnStatisticsData: { MinimumValue: 1, MaximumValue: 9, NumberOfNulls: 0, NumberOfDistinctValues: 5 } } });
    const { Errors } = await send(G.UpdateColumnStatisticsForTableCommand, { ...of, ColumnStatisticsList: [statistics('id'), statistics('nope')] });
    assert.deepEqual(Errors.map((e) => e.ColumnStatistics.ColumnName), ['nope']);
    const kept = await send(G.GetColumnStatisticsForTableCommand, { ...of, ColumnNames: ['id', 'v'] });
    assert.equal(kept.ColumnStatisticsList[0].StatisticsData.LongColumnStatisticsData.MaximumValue, 9);
    assert.deepEqual(kept.Errors.map((e) => e.ColumnName), ['v']);
    const PartitionValues = ['2005', 'a'];
    await send(G.UpdateColumnStatisticsForPartitionCommand, { ...of, PartitionValues, ColumnStatisticsList: [statistics('id')] });
    assert.equal((await send(G.GetColumnStatisticsForPartitionCommand, { ...of, PartitionValues, ColumnNames: ['id'] })).ColumnStatisticsList.length, 1);
    await send(G.DeletePartitionCommand, { ...of, PartitionValues });
    await assert.rejects(send(G.GetColumnStatisticsForPartitionCommand, { ...of, PartitionValues, ColumnNames: ['id'] }), { name: 'EntityNotFoundException' });
    await send(G.CreatePartitionCommand, { ...of, PartitionInput: partition(...PartitionValues) });
    assert.equal((await send(G.GetColumnStatisticsForPartitionCommand, { ...of, PartitionValues, ColumnNames: ['id'] })).ColumnStatisticsList.length, 0);
    await send(G.DeleteColumnStatisticsForTableCommand, { ...of, ColumnName: 'id' });
    await assert.rejects(send(G.DeleteColumnStatisticsForTableCommand, { ...of, ColumnName: 'id' }), { name: 'EntityNotFoundException' });
});

test('partition indexes are made, told and deleted', async () => {
    await send(G.CreatePartitionIndexCommand, { ...of, PartitionIndex: { IndexName: 'by_year', Keys: ['year'] } });
    await assert.rejects(send(G.CreatePartitionIndexCommand, { ...of, PartitionIndex: { IndexName: 'by_year', Keys: ['year'] } }), { name: 'AlreadyExistsException' });
    const { PartitionIndexDescriptorList } = await send(G.GetPartitionIndexesCommand, of);
    assert.deepEqual(PartitionIndexDescriptorList[0].Keys, [{ Name: 'year', Type: 'int' }]);
    await send(G.DeletePartitionIndexCommand, { ...of, IndexName: 'by_year' });
    assert.equal((await send(G.GetPartitionIndexesCommand, of)).PartitionIndexDescriptorList.length, 0);
});

test('tables are found by a search and by patterns that cannot run away', async () => {
    assert.deepEqual((await send(G.SearchTablesCommand, { SearchText: 'vent' })).TableList.map((t) => t.Name), ['events']);
    assert.deepEqual((await send(G.GetTablesCommand, { DatabaseName: 'cat', Expression: 'ev.*' })).TableList.map((t) => t.Name), ['events']);
    await send(G.CreateTableCommand, { DatabaseName: 'cat', TableInput: { Name: 'a'.repeat(200) } });
    const begun = Date.now();
    await send(G.GetTablesCommand, { DatabaseName: 'cat', Expression: '(a*)*b' }).catch((error) => assert.equal(error.name, 'InvalidInputException'));
    assert.ok(Date.now() - begun < 2000);
});

test('a crawler tells its states, refuses what its state does not allow, and counts what it did', async () => {
    for (let i = 0; i < 3; ++i) await s3.send(new PutObjectCommand({ Bucket: 'lake', Key: `crawl/year=2024/month=0${i + 1}/a.json`, Body: '{"id":1}\n' }));
    await send(G.CreateCrawlerCommand, { Name: 'c', Role: 'r', DatabaseName: 'cat', Targets: { S3Targets: [{ Path: 's3://lake/crawl/' }] }, Schedule: 'cron(0 3 * * ? *)', Tags: { a: 'b' } });
    await assert.rejects(send(G.CreateCrawlerCommand, { Name: 'c', Role: 'r', Targets: { S3Targets: [{ Path: 's3://lake/crawl/' }] } }), { name: 'AlreadyExistsException' });
    await assert.rejects(send(G.StopCrawlerCommand, { Name: 'c' }), { name: 'CrawlerNotRunningException' });
    await assert.rejects(send(G.StartCrawlerCommand, { Name: 'no' }), { name: 'EntityNotFoundException' });
    await send(G.StartCrawlerCommand, { Name: 'c' });
    await send(G.StartCrawlerCommand, { Name: 'c' }).catch((error) => assert.equal(error.name, 'CrawlerRunningException'));
    for (;;) {
        const { Crawler } = await send(G.GetCrawlerCommand, { Name: 'c' });
        assert.ok(['RUNNING', 'STOPPING', 'READY'].includes(Crawler.State));
        if (Crawler.State === 'READY') break;
    }
    const { Crawler } = await send(G.GetCrawlerCommand, { Name: 'c' });
    assert.deepEqual([Crawler.LastCrawl.Status, Crawler.Schedule.State], ['SUCCEEDED', 'SCHEDULED']);
    const { CrawlerMetricsList } = await send(G.GetCrawlerMetricsCommand, { CrawlerNameList: ['c'] });
    assert.equal(CrawlerMetricsList[0].TablesCreated, 1);
    const { Table } = await send(G.GetTableCommand, { DatabaseName: 'cat', Name: 'crawl' });
    assert.deepEqual(Table.PartitionKeys, [{ Name: 'year', Type: 'string' }, { Name: 'month', Type: 'string' }]);
    assert.equal((await send(G.GetPartitionsCommand, { DatabaseName: 'cat', TableName: 'crawl' })).Partitions.length, 3);
    await send(G.StopCrawlerScheduleCommand, { CrawlerName: 'c' });
    await assert.rejects(send(G.StopCrawlerScheduleCommand, { CrawlerName: 'c' }), { name: 'SchedulerNotRunningException' });
    await send(G.StartCrawlerScheduleCommand, { CrawlerName: 'c' });
    assert.deepEqual((await send(G.GetTagsCommand, { ResourceArn: 'arn:aws:glue:us-east-1:000000000000:crawler/c' })).Tags, { a: 'b' });
    await send(G.DeleteCrawlerCommand, { Name: 'c' });
    await assert.rejects(send(G.GetCrawlerCommand, { Name: 'c' }), { name: 'EntityNotFoundException' });
});
