// A real server on free ports, with its own data directory, for one test file.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

function binary() {
    const candidates = [process.env.WELLHEAD_BINARY, join(root, 'build/release/wellhead'),
        join(root, 'build/release/src/server/wellhead'), join(root, 'build/dev/src/server/wellhead')];
    const found = candidates.find((path) => path && existsSync(path));
    if (!found) throw new Error('no wellhead binary: build first, or set WELLHEAD_BINARY');
    return found;
}

// Resolves when the server says that it is ready. options: args (more arguments of `up`), dataDir (one to keep).
export async function startServer({ args = [], dataDir = mkdtempSync(join(tmpdir(), 'wellhead-')), keep = false } = {}) {
    const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
    const child = spawn(binary(), ['up', '--data-dir', dataDir, '--port', '0', '--mqtt-port', '0', '--console-port', '0', ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
            ...process.env, WELLHEAD_ROOT_ACCESS_KEY_ID: credentials.accessKeyId,
            WELLHEAD_ROOT_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        },
    });
    let log = '';
    child.stderr.on('data', (data) => { log += data; });
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    const ready = new Promise((resolve) => {
        createInterface({ input: child.stdout }).on('line', (line) => {
            if (!line.startsWith('{')) return;
            try { resolve(JSON.parse(line)); } catch { /* some other line */ }
        });
    });
    const first = await Promise.race([ready, ended.then((how) => ({ how }))]);
    if (first.how) throw new Error(`the server ended with ${JSON.stringify(first.how)}:\n${log}`);
    return {
        ...first,
        dataDir,
        credentials,
        caFile: join(dataDir, 'ca.pem'),
        client: { endpoint: first.endpoint, region: first.region, credentials, maxAttempts: 1 },
        log: () => log,
        async kill(signal = 'SIGKILL') {
            child.kill(signal);
            await ended;
        },
        async stop() {
            child.kill('SIGTERM');
            const how = await ended;
            if (!keep) rmSync(dataDir, { recursive: true, force: true });
            return how;
        },
    };
}
