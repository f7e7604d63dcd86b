// Statements through the Athena API, as a client runs them: start, wait, page through the answer.
import { setTimeout as pause } from 'node:timers/promises';
import { AthenaClient, GetQueryExecutionCommand, GetQueryResultsCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';

export function athenaFor(server, { bucket = 'lake', database = 'field', workGroup } = {}) {
    const client = new AthenaClient(server.client);
    async function start(sql, more = {}) {
        const { QueryExecutionId } = await client.send(new StartQueryExecutionCommand({
            QueryString: sql, QueryExecutionContext: { Database: database }, WorkGroup: workGroup,
            ResultConfiguration: { OutputLocation: `s3://${bucket}/results/` }, ...more,
        }));
        return QueryExecutionId;
    }
    async function wait(QueryExecutionId, limitMs = 60000) {
        for (const end = Date.now() + limitMs; ;) {
            const { QueryExecution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId }));
            if (['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(QueryExecution.Status.State)) return QueryExecution;
            if (Date.now() > end) throw new Error(`${QueryExecutionId} did not end in ${limitMs} ms\n${server.log()}`);
            await pause(20);
        }
    }
    // All rows, the header line too where there is one.
    async function query(sql, more) {
        const execution = await wait(await start(sql, more));
        if (execution.Status.State !== 'SUCCEEDED') return { execution, failure: execution.Status.StateChangeReason };
        const rows = [];
        let results;
        let NextToken;
        do {
            results = await client.send(new GetQueryResultsCommand({ QueryExecutionId: execution.QueryExecutionId, NextToken }));
            rows.push(...results.ResultSet.Rows.map((row) => row.Data.map((cell) => cell.VarCharValue ?? null)));
            NextToken = results.NextToken;
        } while (NextToken);
        return { execution, results, rows, lines: rows.map((row) => row[0]) };
    }
    // Fails the test when the statement does.
    async function run(sql, more) {
        const done = await query(sql, more);
        if (done.failure) throw new Error(`${sql}\n${done.failure}`);
        return done;
    }
    return { client, start, wait, query, run };
}
