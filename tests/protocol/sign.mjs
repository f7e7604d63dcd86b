// Signs raw requests (AWS Signature Version 4), so that a test can sign what no SDK would send.
import { createHash, createHmac } from 'node:crypto';

export const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const hmac = (key, data) => createHmac('sha256', key).update(data).digest();
export const timestamp = (date = new Date()) => date.toISOString().replace(/[-:]|\.\d+/g, '');

export function signingKey(secret, date, region, service) {
    return ['aws4_request'].reduce(hmac, [date, region, service].reduce(hmac, 'AWS4' + secret));
}

// Headers of a signed request, x-amz-date and authorization among them. path and query are as on the wire.
export function sign({ method, path, query = '', headers, payload, credentials, region = 'us-east-1', service = 's3', time = timestamp() }) {
    const all = { ...headers, 'x-amz-date': time, 'x-amz-content-sha256': payload };
    const names = Object.keys(all).sort();
    const canonical = [method, path, query, ...names.map((name) => `${name}:${all[name]}`), '', names.join(';'), payload].join('\n');
    const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
    const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
    const key = signingKey(credentials.secretAccessKey, time.slice(0, 8), region, service);
    const signature = hmac(key, toSign).toString('hex');
    all.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
    return { headers: all, signature, key, scope, time };
}

// A body of signed chunks (STREAMING-AWS4-HMAC-SHA256-PAYLOAD).
export function signedChunks(pieces, { signature, key, scope, time }) {
    let previous = signature;
    return [...pieces, ''].map((piece) => {
        previous = hmac(key, ['AWS4-HMAC-SHA256-PAYLOAD', time, scope, previous, sha256(''), sha256(piece)].join('\n')).toString('hex');
        return `${piece.length.toString(16)};chunk-signature=${previous}\r\n${piece}\r\n`;
    }).join('');
}
