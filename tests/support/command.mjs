// Other programs, run to their end.
import { execFile } from 'node:child_process';

// { code, stdout, stderr }; never rejects.
export function run(program, args, { env = process.env, timeout = 120_000 } = {}) {
    return new Promise((resolve) => {
        execFile(program, args, { env, timeout, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
            resolve({ code: error ? (error.code ?? 1) : 0, stdout, stderr });
        });
    });
}

// The AWS CLI against a server. Debian's (2.9) does not know AWS_ENDPOINT_URL yet.
export function awsCli(server, args, more = {}) {
    return run('aws', ['--endpoint-url', server.client.endpoint, ...args], {
        env: {
            ...process.env, AWS_REGION: server.client.region, AWS_DEFAULT_REGION: server.client.region, AWS_PAGER: '',
            AWS_ACCESS_KEY_ID: server.credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
            AWS_SESSION_TOKEN: '', ...more,
        },
    });
}
