// Athena's statements: Hive's DDL, writing SQL, views, prepared statements, what SHOW tells.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GlueClient, GetPartitionsCommand, GetTableCommand } from '@aws-sdk/client-glue';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { athenaFor } from '../support/athena.mjs';
import { startServer } from '../support/server.mjs';

let server, s3, glue, athena;
const put = (Key, Body) => s3.send(new PutObjectCommand({ Bucket: 'lake', Key, Body }));
const keys = async (Prefix) => ((await s3.send(new ListObjectsV2Command({ Bucket: 'lake', Prefix }))).Contents ?? []).map((o) => o.Key);
const text = async (address) => {
    const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.*)$/.exec(address);
    return (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body.transformToString();
};
const run = (sql, more) => athena.run(sql, more);
const rows = async (sql, more) => (await athena.run(sql, more)).rows.slice(1);
const table = async (Name) => (await glue.send(new GetTableCommand({ DatabaseName: 'field', Name }))).Table;

before(async () => {
    server = await startServer();
    s3 = new S3Client({ ...server.client, forcePathStyle: true });
    glue = new GlueClient(server.client);
    athena = athenaFor(server);
    await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
    await athena.run('CREATE DATABASE IF NOT EXISTS field COMMENT \'wells\' LOCATION \'s3://lake/field/\' WITH DBPROPERTIES (\'owner\'=\'me\')');
});
after(async () => { await server?.stop(); });

test('an external table of delimited text reads what lies there', async () => {
    await put('csv/a.csv', 'id|name|at\n1|one|2024-05-01 10:00:00\n2|\\N|\nx|three|2024-05-01 10:00:00.5\n');
    await run(`CREATE EXTERNAL TABLE IF NOT EXISTS wells (
        id int COMMENT 'the number', name string, \`at\` timestamp)
      COMMENT 'it''s text'
      ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' LINES TERMINATED BY '\\n' NULL DEFINED AS '\\\\N'
      STORED AS TEXTFILE LOCATION 's3://lake/csv/' TBLPROPERTIES ('skip.header.line.count'='1', "classification"="csv")`);
    assert.deepEqual(await rows('SELECT * FROM wells'), [['1', 'one', '2024-05-01 10:00:00.000'], ['2', null, null], [null, 'three', '2024-05-01 10:00:00.500']]);
    const { StorageDescriptor, Parameters, TableType } = await table('wells');
    assert.equal(TableType, 'EXTERNAL_TABLE');
    assert.equal(Parameters.EXTERNAL, 'TRUE');
    assert.equal(StorageDescriptor.SerdeInfo.Parameters['field.delim'], '|');
    const { lines } = await run('SHOW CREATE TABLE wells');
    assert.equal(lines[0], 'CREATE EXTERNAL TABLE `wells`(');
    assert.ok(lines.includes("  `id` int COMMENT 'the number', "));
    await run('CREATE EXTERNAL TABLE IF NOT EXISTS wells (id int) LOCATION \'s3://lake/csv/\'');
    assert.match((await athena.query('CREATE EXTERNAL TABLE wells (id int) LOCATION \'s3://lake/csv/\'')).failure, /AlreadyExistsException/);
});

test('quoted CSV and JSON are read by their SerDes, JSON however its keys are spelled', async () => {
    await put('quoted/a.csv', '"a","say ""hi"""\n"b","x,y"\n');
    await run(`CREATE EXTERNAL TABLE quoted (k string, v string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
        WITH SERDEPROPERTIES ("separatorChar" = ",", "quoteChar" = "\\"", "escapeChar" = "\\"") LOCATION 's3://lake/quoted/'`);
    assert.deepEqual(await rows('SELECT * FROM quoted'), [['a', 'say "hi"'], ['b', 'x,y']]);
    await put('json/a.json', '{"deviceId":"d1","temp":1.5,"tags":["a","b"],"pos":{"lat":1,"lon":2},"ts-ms":5}\n{"deviceId":"d2","extra":1}\n');
    await run(`CREATE EXTERNAL TABLE devices (deviceId string, temp double, tags array<string>, pos struct<lat:double,lon:double>, ts bigint)
        ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('mapping.ts'='ts-ms', 'ignore.malformed.json'='true')
        LOCATION 's3://lake/json'`);
    assert.deepEqual(await rows('SELECT deviceid, temp, cardinality(tags), pos.lon, ts FROM devices ORDER BY 1'), [['d1', '1.5', '2', '2.0', '5'], ['d2', null, null, null, null]]);
});

test('partitions are added, found, moved and dropped', async () => {
    for (const day of ['01', '02', '03']) await put(`parts/year=2024/day=${day}/a.json`, `{"v":${Number(day)}}\n`);
    await put('elsewhere/a.json', '{"v":100}\n');
    await run(`CREATE EXTERNAL TABLE parts (v bigint) PARTITIONED BY (year string, day string) ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe' LOCATION 's3://lake/parts/'`);
    assert.deepEqual(await rows('SELECT count(*) FROM parts'), [['0']]);
    await run("ALTER TABLE parts ADD PARTITION (year='2024', day='01')");
    assert.match((await athena.query("ALTER TABLE parts ADD PARTITION (year='2024', day='01')")).failure, /AlreadyExistsException/);
    await run("ALTER TABLE parts ADD IF NOT EXISTS PARTITION (year='2024', day='01') PARTITION (year='2023', day='09') LOCATION 's3://lake/elsewhere/'");
    const { lines } = await run('MSCK REPAIR TABLE parts');
    assert.deepEqual(lines.slice(1), ['Repair: Added partition to metastore parts:year=2024/day=02', 'Repair: Added partition to metastore parts:year=2024/day=03']);
    assert.deepEqual((await run('SHOW PARTITIONS parts')).lines, ['year=2023/day=09', 'year=2024/day=01', 'year=2024/day=02', 'year=2024/day=03']);
    assert.deepEqual(await rows("SELECT year, day, v FROM parts ORDER BY 1, 2"), [['2023', '09', '100'], ['2024', '01', '1'], ['2024', '02', '2'], ['2024', '03', '3']]);
    assert.deepEqual(await rows("SELECT sum(v) FROM parts WHERE year = '2024' AND day IN ('02', '03')"), [['5']]);
    assert.deepEqual(await rows('SELECT count(*) FROM "parts$partitions" WHERE year > ?', { ExecutionParameters: ["'2023'"] }), [['3']]);
    await run("ALTER TABLE parts DROP PARTITION (year='2024', day > '01')");
    assert.deepEqual((await run('SHOW PARTITIONS parts')).lines, ['year=2023/day=09', 'year=2024/day=01']);
    await run("ALTER TABLE parts PARTITION (year='2023', day='09') SET LOCATION 's3://lake/parts/year=2024/day=03/'");
    assert.deepEqual(await rows("SELECT v FROM parts WHERE year = '2023'"), [['3']]);
    await run("ALTER TABLE parts PARTITION (year='2023', day='09') RENAME TO PARTITION (year='2022', day='09')");
    assert.match((await athena.query("ALTER TABLE parts DROP PARTITION (year='1999', day='1')")).failure, /Partition not found/);
    await run("ALTER TABLE parts DROP IF EXISTS PARTITION (year='1999', day='1')");
});

test('columns and properties of a table change', async () => {
    await run("ALTER TABLE wells ADD COLUMNS (depth double COMMENT 'm')");
    assert.deepEqual((await run('SHOW COLUMNS IN wells')).lines, ['id', 'name', 'at', 'depth']);
    await run("ALTER TABLE wells SET TBLPROPERTIES ('a'='b')");
    assert.deepEqual((await run("SHOW TBLPROPERTIES wells('a')")).lines, ['b']);
    await run("ALTER TABLE wells SET LOCATION 's3://lake/other/'");
    assert.deepEqual(await rows('SELECT count(*) FROM wells'), [['0']]);
    await run("ALTER TABLE wells REPLACE COLUMNS (id int, name string)");
    const { lines, results } = await run('DESCRIBE field.parts');
    assert.equal(lines[0], 'v                   \tbigint              \t                    ');
    assert.equal(results.ResultSet.ResultSetMetadata.ColumnInfo.length, 3);
    assert.ok(lines.some((line) => line.startsWith('# Partition Information')));
});

test('CREATE TABLE AS writes files, a table, its partitions and a manifest', async () => {
    const { execution } = await run(`CREATE TABLE made WITH (format = 'PARQUET', write_compression = 'SNAPPY', external_location = 's3://lake/made/', partitioned_by = ARRAY['kind']) AS
        SELECT id, sum(n) AS total, TIMESTAMP '2024-05-01 10:00:00' AS at, kind FROM (VALUES (1, 10, 'a b'), (2, 20, 'c/d'), (1, 5, 'a b'), (3, 1, NULL)) AS t(id, n, kind) GROUP BY id, kind`);
    assert.equal(execution.SubstatementType, 'CREATE_TABLE_AS_SELECT');
    assert.deepEqual(await rows('SELECT * FROM made ORDER BY id'), [['1', '15', '2024-05-01 10:00:00.000', 'a b'], ['2', '20', '2024-05-01 10:00:00.000', 'c/d'], ['3', '1', '2024-05-01 10:00:00.000', null]]);
    const { Partitions } = await glue.send(new GetPartitionsCommand({ DatabaseName: 'field', TableName: 'made' }));
    assert.deepEqual(Partitions.map((p) => p.StorageDescriptor.Location), ['s3://lake/made/kind=__HIVE_DEFAULT_PARTITION__/', 's3://lake/made/kind=a b/', 's3://lake/made/kind=c%2Fd/']);
    const listed = (await text(execution.Statistics.DataManifestLocation)).trim().split('\n').sort();
    assert.deepEqual(listed, (await keys('made/')).map((key) => `s3://lake/${key}`));
    assert.match((await athena.query("CREATE TABLE made2 WITH (external_location = 's3://lake/made/') AS SELECT 1 AS a")).failure, /^HIVE_PATH_ALREADY_EXISTS/);
    assert.match((await athena.query('CREATE TABLE made3 AS SELECT 1')).failure, /^MISSING_COLUMN_NAME: line 1:14: Column name not specified at position 1/);
    const plain = await run('CREATE TABLE plain AS SELECT 1 AS a, \'x\' AS b');
    assert.equal(plain.execution.ResultConfiguration.OutputLocation, `s3://lake/results/tables/${plain.execution.QueryExecutionId}`);
    await run('CREATE TABLE none WITH (format = \'JSON\') AS SELECT * FROM plain WITH NO DATA');
    assert.deepEqual(await rows('SELECT count(*) FROM none'), [['0']]);
});

test('INSERT INTO adds rows, by query or values, into partitions too', async () => {
    assert.equal((await run("INSERT INTO plain VALUES (2, 'y'), (3, NULL)")).results.UpdateCount, 2);
    await run("INSERT INTO plain (b) SELECT 'only'");
    await run('INSERT INTO plain SELECT 4, NULL');
    assert.deepEqual(await rows('SELECT a, b FROM plain ORDER BY a'), [['1', 'x'], ['2', 'y'], ['3', null], ['4', null], [null, 'only']]);
    await run("INSERT INTO made SELECT 9, 90, TIMESTAMP '2025-01-01 00:00:00', kind FROM (VALUES 'a b', 'new') AS t(kind)");
    assert.deepEqual(await rows("SELECT id, kind FROM made WHERE kind IN ('a b', 'new') ORDER BY 2, 1"), [['1', 'a b'], ['9', 'a b'], ['9', 'new']]);
    await run("INSERT INTO none VALUES (7, 'json')");
    assert.deepEqual(await rows('SELECT * FROM none'), [['7', 'json']]);
    assert.match((await athena.query("INSERT INTO plain VALUES ('no', 'y')")).failure, /^TYPE_MISMATCH: line 1:13: Insert query has mismatched column types/);
    assert.match((await athena.query('INSERT INTO plain SELECT 1.5, NULL')).failure, /^TYPE_MISMATCH/);
    assert.match((await athena.query('INSERT OVERWRITE plain SELECT 1')).failure, /^NOT_SUPPORTED/);
});

test('UNLOAD writes files and a manifest of them', async () => {
    const { execution } = await run("UNLOAD (SELECT a, b FROM plain WHERE a > 1) TO 's3://lake/unloaded/' WITH (format = 'TEXTFILE', compression = 'none', field_delimiter = ';')");
    const [file] = (await text(execution.Statistics.DataManifestLocation)).trim().split('\n');
    assert.deepEqual((await text(file)).trim().split('\n').sort(), ['2;y', '3;\\N', '4;\\N']);
    assert.match((await athena.query("UNLOAD (SELECT 1 a) TO 's3://lake/unloaded/' WITH (format = 'PARQUET')")).failure, /^HIVE_PATH_ALREADY_EXISTS/);
});

test('a view is kept as Athena keeps it and read like a table', async () => {
    await run('CREATE OR REPLACE VIEW big AS SELECT a, upper(b) AS loud FROM plain WHERE a >= 2');
    assert.deepEqual(await rows('SELECT loud FROM field.big ORDER BY a'), [['Y'], [null], [null]]);
    const { ViewOriginalText, ViewExpandedText, TableType, Parameters } = await table('big');
    assert.equal(TableType, 'VIRTUAL_VIEW');
    assert.equal(ViewExpandedText, '/* Presto View */');
    assert.equal(Parameters.presto_view, 'true');
    const view = JSON.parse(Buffer.from(/^\/\* Presto View: (.*) \*\/$/.exec(ViewOriginalText)[1], 'base64'));
    assert.deepEqual(view.columns, [{ name: 'a', type: 'integer' }, { name: 'loud', type: 'varchar' }]);
    await run('CREATE VIEW bigger AS SELECT * FROM big WHERE a > 2');
    assert.deepEqual(await rows('SELECT count(*) FROM bigger'), [['2']]);
    assert.match((await athena.query('CREATE VIEW big AS SELECT 1 AS x')).failure, /View already exists/);
    assert.deepEqual((await run('SHOW VIEWS')).lines, ['big', 'bigger']);
    assert.match((await run('SHOW CREATE VIEW big')).lines.join('\n'), /upper\(b\)/);
    await run('DROP VIEW bigger');
    await run('DROP VIEW IF EXISTS bigger');
});

test('information_schema tells the catalog, and SHOW takes patterns', async () => {
    assert.deepEqual(await rows("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'field' AND table_name LIKE 'b%'"), [['big', 'VIEW']]);
    assert.deepEqual(await rows("SELECT column_name, data_type, extra_info FROM information_schema.columns WHERE table_schema = 'field' AND table_name = 'parts' ORDER BY ordinal_position"),
        [['v', 'bigint', null], ['year', 'varchar', 'partition key'], ['day', 'varchar', 'partition key']]);
    assert.deepEqual(await rows("SELECT schema_name FROM information_schema.schemata WHERE schema_name <> 'default'"), [['field']]);
    assert.deepEqual((await run("SHOW TABLES IN field 'p*|quot*'")).lines, ['parts', 'plain', 'quoted']);
    assert.ok((await run('SHOW DATABASES')).lines.includes('field'));
});

test('prepared statements are made, run and dropped by SQL', async () => {
    await run("PREPARE by_id FROM SELECT b FROM plain WHERE a = ? AND b <> ?");
    const { rows: found, execution } = await run("EXECUTE by_id USING 2, 'z'");
    assert.deepEqual(found, [['b'], ['y']]);
    assert.equal(execution.StatementType, 'DML');
    assert.deepEqual((await run('EXECUTE by_id', { ExecutionParameters: ['1', "'z'"] })).rows[1], ['x']);
    await run('DEALLOCATE PREPARE by_id');
    assert.match((await athena.query('EXECUTE by_id USING 1')).failure, /^NOT_FOUND: .*Prepared statement not found: by_id/);
});

test('partition projection needs no partitions in the catalog', async () => {
    for (const day of ['2024/05/01', '2024/05/02', '2024/06/01']) await put(`projected/${day}/a.json`, `{"d":"${day}"}\n`);
    await run(`CREATE EXTERNAL TABLE projected (d string) PARTITIONED BY (day string) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://lake/projected/'
        TBLPROPERTIES ('projection.enabled'='true', 'projection.day.type'='date', 'projection.day.range'='2024/01/01,NOW', 'projection.day.format'='yyyy/MM/dd',
            'storage.location.template'='s3://lake/projected/\${day}/')`);
    assert.deepEqual(await rows("SELECT day, d FROM projected WHERE day BETWEEN '2024/05/01' AND '2024/05/31' ORDER BY 1"), [['2024/05/01', '2024/05/01'], ['2024/05/02', '2024/05/02']]);
    assert.deepEqual(await rows('SELECT count(*) FROM projected'), [['3']]);
});

test('EXPLAIN shows a plan and runs nothing', async () => {
    const { lines, execution } = await run('EXPLAIN SELECT a FROM plain WHERE a = 1');
    assert.ok(lines.length > 2);
    assert.equal(execution.SubstatementType, 'EXPLAIN');
});

test('what is dropped is gone, and a database falls with its tables by CASCADE alone', async () => {
    await run('DROP TABLE IF EXISTS nothing');
    assert.match((await athena.query('DROP TABLE nothing')).failure, /Table not found/);
    await run('DROP TABLE wells');
    assert.match((await athena.query('SELECT * FROM wells')).failure, /^TABLE_NOT_FOUND/);
    assert.match((await athena.query('DROP DATABASE field')).failure, /is not empty/);
    await run('DROP DATABASE field CASCADE');
    assert.match((await athena.query('SHOW TABLES IN field')).failure, /Database does not exist/);
});

test('what is not served is refused by its name', async () => {
    await run('CREATE DATABASE IF NOT EXISTS field');
    for (const [sql, why] of [
        ["CREATE TABLE t (a int) LOCATION 's3://lake/t/' TBLPROPERTIES ('table_type'='ICEBERG')", /^NOT_SUPPORTED: .*ICEBERG/],
        ["CREATE EXTERNAL TABLE t (a int) STORED AS ORC LOCATION 's3://lake/t/'", /^NOT_SUPPORTED: .*ORC/],
        ['DELETE FROM t WHERE a = 1', /^NOT_SUPPORTED: .*Iceberg/],
        ['GRANT SELECT ON t TO x', /^SYNTAX_ERROR: line 1:1: mismatched input 'GRANT'/],
        ["ATTACH '/etc/passwd'", /^SYNTAX_ERROR/], ['INSTALL httpfs', /^SYNTAX_ERROR/], ["COPY t TO '/tmp/x'", /^SYNTAX_ERROR/], ['PRAGMA version', /^SYNTAX_ERROR/],
        ["SELECT * FROM read_csv('/etc/passwd')", /^FUNCTION_NOT_FOUND/], ["SELECT getenv('HOME')", /^FUNCTION_NOT_FOUND/],
        ["CREATE TABLE t AS SELECT * FROM '/etc/passwd'", /^SYNTAX_ERROR/], ["CREATE VIEW v AS SELECT * FROM glob('/etc/*')", /^FUNCTION_NOT_FOUND/],
        ['CREATE EXTERNAL TABLE t (a wrong) LOCATION \'s3://lake/t/\'', /^SYNTAX_ERROR: line 1:26: Column a/],
    ]) {
        assert.match((await athena.query(sql)).failure ?? 'it succeeded', why, sql);
    }
});
