// A real server on free ports, with its own data directory, for one test file.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export function binary() {
    const candidates = [process.env.WELLHEAD_BINARY, join(root, 'build/release/wellhead'),
        join(root, 'build/release/src/server/wellhead'), join(root, 'build/dev/src/server/wellhead')];
    const found = candidates.find((path) => path && existsSync(path));
    if (!found) throw new Error('no wellhead binary: build first, or set WELLHEAD_BINARY');
    return found;
}

// Resolves when the server says that it is ready. options: args (more arguments of `up`), dataDir (one to keep), ports (0:
// any), environment (more of it), launcher (a command that runs the server), onSpawn (gets the child process at once).
export async function startServer({ args = [], dataDir = mkdtempSync(join(tmpdir(), 'wellhead-')), keep = false, ports = {}, environment = {},
    launcher = [], onSpawn = () => {} } = {}) {
    const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
    const { port = 0, mqttPort = 0, consolePort = 0 } = ports;
    const command = [...launcher, binary(), 'up', '--data-dir', dataDir, '--port', port, '--mqtt-port', mqttPort, '--console-port', consolePort, ...args];
    const begun = performance.now();
    const child = spawn(command[0], command.slice(1).map(String), {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
            ...process.env, ...environment, WELLHEAD_ROOT_ACCESS_KEY_ID: credentials.accessKeyId,
            WELLHEAD_ROOT_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        },
    });
    let log = '';
    child.stderr.on('data', (data) => { log += data; });
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    onSpawn(child);
    const ready = new Promise((resolve) => {
        createInterface({ input: child.stdout }).on('line', (line) => {
            if (!line.startsWith('{')) return;
            try { resolve(JSON.parse(line)); } catch { /* some other line */ }
        });
    });
    const first = await Promise.race([ready, ended.then((how) => ({ how }))]);
    if (first.how) throw Object.assign(new Error(`the server ended with ${JSON.stringify(first.how)}:\n${log}`), { how: first.how });
    return {
        ...first,
        readyMs: performance.now() - begun,
        ended,
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
