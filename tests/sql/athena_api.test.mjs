// Athena's API around the queries: results as files and pages, workgroups, saved queries, tags, limits, cancelling.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import * as A from '@aws-sdk/client-athena';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { athenaFor } from '../support/athena.mjs';
import { startServer } from '../support/server.mjs';

let server, s3, athena;
const send = (Command, input) => athena.client.send(new Command(input));
const bytes = async (address) => {
    const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.*)$/.exec(address);
    return Buffer.from(await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body.transformToByteArray());
};

before(async () => {
    server = await startServer();
    s3 = new S3Client({ ...server.client, forcePathStyle: true });
    athena = athenaFor(server);
    await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
    await athena.run('CREATE DATABASE field');
});
after(async () => { await server?.stop(); });

test('a result is a quoted CSV with its metadata beside it, told by page with types and precisions', async () => {
    const { execution, rows, results } = await athena.run(`SELECT 1 AS i, CAST(2 AS bigint) AS b, 'x' AS v, 1.50 AS d, TRUE AS t, 1e0 AS f, DATE '2024-02-29' AS day,
        TIMESTAMP '2024-02-29 10:11:12.5' AS at, ARRAY[1, 2] AS a, MAP(ARRAY['k'], ARRAY[1]) AS m, CAST(ROW(1, 'y') AS ROW(n integer, s varchar)) AS r, NULL AS nothing`);
    assert.deepEqual(rows[1], ['1', '2', 'x', '1.50', 'true', '1.0', '2024-02-29', '2024-02-29 10:11:12.500', '[1, 2]', '{k=1}', '{n=1, s=y}', null]);
    const info = results.ResultSet.ResultSetMetadata.ColumnInfo.map((c) => [c.Name, c.Type, c.Precision, c.Scale, c.CaseSensitive]);
    assert.deepEqual(info.slice(0, 11), [['i', 'integer', 10, 0, false], ['b', 'bigint', 19, 0, false], ['v', 'varchar', 2147483647, 0, true], ['d', 'decimal', 3, 2, false],
        ['t', 'boolean', 0, 0, false], ['f', 'double', 17, 0, false], ['day', 'date', 0, 0, false], ['at', 'timestamp', 3, 0, false], ['a', 'array', 0, 0, false],
        ['m', 'map', 0, 0, false], ['r', 'row', 0, 0, false]]);
    assert.match((await bytes(execution.ResultConfiguration.OutputLocation)).toString(), /^"i","b",.*"nothing"\n"1","2","x",.*"\{n=1, s=y\}",\n$/);
    const metadata = await bytes(`${execution.ResultConfiguration.OutputLocation}.metadata`);
    assert.ok(metadata.includes(Buffer.from('\x0a\x04hive')), metadata.toString('latin1'));
    assert.equal(execution.Statistics.DataScannedInBytes, 0);
    const { QueryRuntimeStatistics } = await send(A.GetQueryRuntimeStatisticsCommand, { QueryExecutionId: execution.QueryExecutionId });
    assert.equal(QueryRuntimeStatistics.Rows.OutputRows, 1);
});

test('pages hold what they were asked to, the header line once', async () => {
    const { execution, rows } = await athena.run('SELECT n FROM UNNEST(sequence(1, 2500)) AS t(n)');
    assert.deepEqual([rows.length, rows[0][0], rows[1][0], rows[2500][0]], [2501, 'n', '1', '2500']);
    const page = await send(A.GetQueryResultsCommand, { QueryExecutionId: execution.QueryExecutionId, MaxResults: 2 });
    assert.equal(page.ResultSet.Rows.length, 2);
    await assert.rejects(send(A.GetQueryResultsCommand, { QueryExecutionId: execution.QueryExecutionId, NextToken: 'x' }), { name: 'InvalidRequestException' });
    const whole = await athena.run('SELECT n FROM UNNEST(sequence(1, 999)) AS t(n)');
    assert.equal(whole.results.NextToken, undefined);
});

test('the same request token is the same execution, also after a restart of the client', async () => {
    const input = { QueryString: 'SELECT 1', ClientRequestToken: 'token-of-32-characters-or-longer-1', ResultConfiguration: { OutputLocation: 's3://lake/results/' } };
    const ids = await Promise.all([1, 2, 3].map(async () => (await send(A.StartQueryExecutionCommand, input)).QueryExecutionId));
    assert.equal(new Set(ids).size, 1);
    await assert.rejects(send(A.StartQueryExecutionCommand, { ...input, QueryString: 'SELECT 2' }), { name: 'InvalidRequestException', message: /Idempotent/ });
});

test('a running query is cancelled at once', async () => {
    const id = await athena.start('SELECT sum(a.n * b.n % 7) FROM UNNEST(sequence(1, 1000000)) AS a(n) CROSS JOIN UNNEST(sequence(1, 1000000)) AS b(n)');
    const begun = Date.now();
    await send(A.StopQueryExecutionCommand, { QueryExecutionId: id });
    const execution = await athena.wait(id);
    assert.equal(execution.Status.State, 'CANCELLED');
    assert.ok(Date.now() - begun < 5000);
    await assert.rejects(send(A.GetQueryResultsCommand, { QueryExecutionId: id }), { name: 'InvalidRequestException', message: /Final query state: CANCELLED/ });
});

test('a workgroup enforces its place and its limit, is changed, tagged and deleted', async () => {
    await send(A.CreateWorkGroupCommand, { Name: 'wells', Description: 'd', Tags: [{ Key: 'team', Value: 'a' }], Configuration: { ResultConfiguration: { OutputLocation: 's3://lake/enforced/' }, BytesScannedCutoffPerQuery: 10000000 } });
    const { WorkGroup } = await send(A.GetWorkGroupCommand, { WorkGroup: 'wells' });
    assert.equal(WorkGroup.Configuration.EnforceWorkGroupConfiguration, true);
    assert.ok(WorkGroup.CreationTime instanceof Date);
    const { execution } = await athena.run('SELECT 1', { WorkGroup: 'wells' });
    assert.ok(execution.ResultConfiguration.OutputLocation.startsWith('s3://lake/enforced/'));
    assert.match((await athena.query("CREATE TABLE field.x WITH (external_location = 's3://lake/x/') AS SELECT 1 AS a", { WorkGroup: 'wells' })).failure, /enforces a centralized output location/);
    await s3.send(new PutObjectCommand({ Bucket: 'lake', Key: 'large/a.json', Body: `{"v":"${'x'.repeat(100)}"}\n`.repeat(150000) }));
    await athena.run("CREATE EXTERNAL TABLE large (v string) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://lake/large/'");
    const scanned = await athena.run('SELECT count(*) FROM large');
    assert.ok(scanned.execution.Statistics.DataScannedInBytes >= 150000 * 100, scanned.execution.Statistics.DataScannedInBytes);
    const cut = await athena.query('SELECT max(v) FROM large', { WorkGroup: 'wells' });
    assert.equal(cut.execution.Status.State, 'CANCELLED');
    assert.match(cut.failure, /Bytes scanned limit was exceeded/);
    await send(A.UpdateWorkGroupCommand, { WorkGroup: 'wells', ConfigurationUpdates: { RemoveBytesScannedCutoffPerQuery: true, EnforceWorkGroupConfiguration: false, ResultConfigurationUpdates: { OutputLocation: 's3://lake/other/' } }, State: 'ENABLED' });
    assert.equal((await athena.run('SELECT max(v) FROM large', { WorkGroup: 'wells' })).rows.length, 2);
    const ResourceARN = 'arn:aws:athena:us-east-1:000000000000:workgroup/wells';
    await send(A.TagResourceCommand, { ResourceARN, Tags: [{ Key: 'stage', Value: 'b' }] });
    await send(A.UntagResourceCommand, { ResourceARN, TagKeys: ['team'] });
    assert.deepEqual((await send(A.ListTagsForResourceCommand, { ResourceARN })).Tags, [{ Key: 'stage', Value: 'b' }]);
    await send(A.UpdateWorkGroupCommand, { WorkGroup: 'wells', State: 'DISABLED' });
    await assert.rejects(athena.start('SELECT 1', { WorkGroup: 'wells' }), { name: 'InvalidRequestException', message: /disabled/ });
    await assert.rejects(send(A.DeleteWorkGroupCommand, { WorkGroup: 'wells' }), { name: 'InvalidRequestException', message: /not empty/ });
    await send(A.DeleteWorkGroupCommand, { WorkGroup: 'wells', RecursiveDeleteOption: true });
    await assert.rejects(send(A.GetWorkGroupCommand, { WorkGroup: 'wells' }), { name: 'InvalidRequestException' });
});

test('named queries and prepared statements are kept', async () => {
    const { NamedQueryId } = await send(A.CreateNamedQueryCommand, { Name: 'all', Database: 'field', QueryString: 'SELECT 1', Description: 'one' });
    await send(A.UpdateNamedQueryCommand, { NamedQueryId, Name: 'all', QueryString: 'SELECT 2' });
    const { NamedQuery } = await send(A.GetNamedQueryCommand, { NamedQueryId });
    assert.deepEqual([NamedQuery.QueryString, NamedQuery.Description, NamedQuery.WorkGroup], ['SELECT 2', 'one', 'primary']);
    assert.deepEqual((await send(A.ListNamedQueriesCommand, {})).NamedQueryIds, [NamedQueryId]);
    const batch = await send(A.BatchGetNamedQueryCommand, { NamedQueryIds: [NamedQueryId, 'e3b5d2f0-0000-4000-8000-000000000000'] });
    assert.deepEqual([batch.NamedQueries.length, batch.UnprocessedNamedQueryIds.length], [1, 1]);
    await send(A.DeleteNamedQueryCommand, { NamedQueryId });
    await assert.rejects(send(A.GetNamedQueryCommand, { NamedQueryId }), { name: 'InvalidRequestException' });

    const one = { StatementName: 'plus', WorkGroup: 'primary' };
    await send(A.CreatePreparedStatementCommand, { ...one, QueryStatement: 'SELECT ? + 1 AS n' });
    await assert.rejects(send(A.CreatePreparedStatementCommand, { ...one, QueryStatement: 'SELECT 1' }), { name: 'InvalidRequestException' });
    assert.equal((await athena.run('EXECUTE plus USING 41')).rows[1][0], '42');
    assert.match((await athena.query('EXECUTE plus USING 41, 42')).failure, /Incorrect number of parameters: expected 1 but found 2/);
    await send(A.UpdatePreparedStatementCommand, { ...one, QueryStatement: 'SELECT ? + 2 AS n' });
    assert.equal((await send(A.GetPreparedStatementCommand, one)).PreparedStatement.QueryStatement, 'SELECT ? + 2 AS n');
    assert.equal((await send(A.ListPreparedStatementsCommand, { WorkGroup: 'primary' })).PreparedStatements.length, 1);
    assert.equal((await send(A.BatchGetPreparedStatementCommand, { WorkGroup: 'primary', PreparedStatementNames: ['plus', 'minus'] })).UnprocessedPreparedStatementNames.length, 1);
    await send(A.DeletePreparedStatementCommand, one);
    await assert.rejects(send(A.GetPreparedStatementCommand, one), { name: 'ResourceNotFoundException' });
});

test('the default database is there when something is put into it', async () => {
    const there = { QueryExecutionContext: undefined };
    await athena.run('CREATE TABLE kept AS SELECT 1 AS a', there);
    assert.deepEqual((await athena.run('SELECT a FROM default.kept')).rows[1], ['1']);
    assert.ok((await athena.run('SHOW DATABASES')).lines.includes('default'));
});

test('catalogs, databases and tables are told as Athena tells them', async () => {
    assert.deepEqual((await send(A.ListDataCatalogsCommand, {})).DataCatalogsSummary.map((c) => c.CatalogName), ['AwsDataCatalog']);
    assert.equal((await send(A.GetDataCatalogCommand, { Name: 'AwsDataCatalog' })).DataCatalog.Type, 'GLUE');
    assert.ok((await send(A.ListDatabasesCommand, { CatalogName: 'AwsDataCatalog' })).DatabaseList.some((d) => d.Name === 'field'));
    assert.deepEqual((await send(A.GetTableMetadataCommand, { CatalogName: 'AwsDataCatalog', DatabaseName: 'field', TableName: 'large' })).TableMetadata.Columns.map((c) => c.Name), ['v']);
    assert.equal((await send(A.ListTableMetadataCommand, { CatalogName: 'AwsDataCatalog', DatabaseName: 'field', Expression: 'la.*' })).TableMetadataList.length, 1);
    await assert.rejects(send(A.GetDatabaseCommand, { CatalogName: 'AwsDataCatalog', DatabaseName: 'no' }), { name: 'MetadataException' });
});

test('hostile statements fail with a reason and the next one is served', async () => {
    const corrupt = Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(40000, 7), Buffer.from([0xff, 0xff, 0, 0]), Buffer.from('PAR1')]);
    await s3.send(new PutObjectCommand({ Bucket: 'lake', Key: 'corrupt/a.parquet', Body: corrupt }));
    await athena.run("CREATE EXTERNAL TABLE corrupt (v string) STORED AS PARQUET LOCATION 's3://lake/corrupt/'");
    for (const sql of ['SELECT cardinality(array_agg(a.n * 1000003 + b.n)) FROM UNNEST(sequence(1, 100000)) AS a(n) CROSS JOIN UNNEST(sequence(1, 100000)) AS b(n)',
        'SELECT * FROM corrupt', "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM \"/etc/passwd\"", "ATTACH '/tmp/x'", 'INSTALL httpfs', "COPY (SELECT 1) TO '/tmp/x'",
        "UNLOAD (SELECT * FROM read_text('/etc/passwd')) TO 's3://lake/out/' WITH (format = 'JSON')", `SELECT ${'('.repeat(5000)}1${')'.repeat(5000)}`,
        "CREATE EXTERNAL TABLE outside (v string) LOCATION 'file:///etc/'"]) {
        const { execution, failure } = await athena.query(sql);
        assert.equal(execution.Status.State, 'FAILED', sql.slice(0, 80));
        assert.ok(failure.length > 10 && execution.Status.AthenaError.ErrorMessage === failure, sql.slice(0, 80));
    }
    assert.deepEqual((await athena.run('SELECT 42 AS n')).rows, [['n'], ['42']]);
});

test("Trino's functions mean here what they mean there", async () => {
    for (const [sql, expected] of [
        ["date_format(TIMESTAMP '2024-05-01 10:02:03', '%Y-%m-%d %H:%i:%s')", '2024-05-01 10:02:03'], ["date_parse('01/05/2024', '%d/%m/%Y')", '2024-05-01 00:00:00.000'],
        ["date_diff('day', DATE '2024-05-01', DATE '2024-05-31')", '30'], ["date_add('month', 1, DATE '2024-01-31')", '2024-02-29'], ["CAST(date('2024-05-01') - INTERVAL '1' DAY AS varchar)", '2024-04-30'],
        ['from_unixtime(1714557723)', '2024-05-01 10:02:03.000 UTC'], ["to_unixtime(TIMESTAMP '1970-01-01 00:00:10')", '10.0'],
        ["json_extract_scalar('{\"a\":{\"b\":7}}', '$.a.b')", '7'], ["json_extract_scalar('{\"a\":[1]}', '$.a')", null], ["try_cast('x' AS integer)", null], ["try(CAST('x' AS integer))", null],
        ['element_at(ARRAY[1, 2], -1)', '2'], ["element_at(MAP(ARRAY['a'], ARRAY[5]), 'a')", '5'], ['cardinality(ARRAY[1, 2, 3])', '3'], ["split('a,b', ',')", '[a, b]'],
        ["concat('a', NULL)", null], ['concat(ARRAY[1], ARRAY[2])', '[1, 2]'], ["regexp_replace('a1b2', '([a-z])', '<$1>')", '<a>1<b>2'], ["regexp_extract('id=42', '([0-9]+)', 1)", '42'],
        ['7 / 2', '3'], ['-7 / 2', '-3'], ['transform(ARRAY[1, 2], x -> x * 2)', '[2, 4]'], ['filter(ARRAY[1, 2, 3], x -> x > 1)', '[2, 3]'],
        ['reduce(ARRAY[1, 2, 3], 10, (s, x) -> s + x, s -> s * 2)', '32'], ["transform_values(MAP(ARRAY['a'], ARRAY[1]), (k, v) -> v + 1)", '{a=2}'],
        ["map_filter(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> v > 1)", '{b=2}'], ['zip_with(ARRAY[1, 2], ARRAY[3, 4], (x, y) -> x + y)', '[4, 6]'],
        ["split_to_map('a=1,b=2', ',', '=')", '{a=1, b=2}'], ["url_extract_host('https://u@h.com:8/p?q=1')", 'h.com'], ["url_extract_parameter('http://h/?a=b%20c', 'a')", 'b c'],
        ['bitwise_left_shift(1, 4)', '16'], ["if(1 > 2, 'a', 'b')", 'b'], ["coalesce(NULL, 'x')", 'x'], ["TIMESTAMP '2024-05-01 10:00:00 UTC' AT TIME ZONE 'Europe/Berlin'", /^2024-05-01 12:00:00.000/],
        ["day_of_week(DATE '2024-05-01')", '3'], ["extract(hour FROM TIMESTAMP '2024-05-01 10:00:00')", '10'], ["date_trunc('month', DATE '2024-05-06')", '2024-05-01'],
        ["CAST(ROW(1, 'x') AS ROW(a integer, b varchar)).b", 'x'], ['lower(typeof(1))', 'integer'], ["approx_distinct('a')", '1'], ['array_agg(1)', '[1]'], ["strpos('abc', 'c')", '3'],
        ["split_part('a-b', '-', 2)", 'b'], ["to_hex(md5(to_utf8('a')))", '0CC175B9C0F1B6A831C399E269772661'], ["format('%d-%s', 3, 'x')", '3-x'], ['greatest(1, 3, 2)', '3'],
    ]) {
        const { rows, failure } = await athena.query(`SELECT ${sql} AS x`);
        const value = failure ?? rows[1][0];
        if (expected instanceof RegExp) assert.match(value, expected, sql);
        else assert.equal(value, expected, sql);
    }
});

test('the AWS CLI runs a query', async () => {
    const env = { ...process.env, AWS_ENDPOINT_URL: server.endpoint, AWS_REGION: server.region, AWS_DEFAULT_REGION: server.region, AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey, AWS_PAGER: '' };
    const aws = async (...args) => JSON.parse((await promisify(execFile)('aws', [...args, '--endpoint-url', server.endpoint, '--output', 'json'], { env })).stdout);
    const { QueryExecutionId } = await aws('athena', 'start-query-execution', '--query-string', 'SELECT 6 * 7 AS n', '--result-configuration', 'OutputLocation=s3://lake/cli/');
    await athena.wait(QueryExecutionId);
    const { ResultSet } = await aws('athena', 'get-query-results', '--query-execution-id', QueryExecutionId);
    assert.equal(ResultSet.Rows[1].Data[0].VarCharValue, '42');
});
