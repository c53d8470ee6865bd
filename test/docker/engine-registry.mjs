/**
 * A registry for the tests of pulling and sending, with one image in it, run where the engine's localhost is: `node engine-registry.mjs`. Prints its
 * port. It wants a login for everything (me, s3cret) and sends layers slowly.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

const blobs = new Map();
const manifests = new Map();

/**
 * @param {Buffer} bytes
 * @returns {string} its digest
 */
function keep(bytes) {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  blobs.set(digest, bytes);
  return digest;
}

/**
 * A tar with one file.
 * @param {string} name
 * @param {Buffer} content
 */
function tar(name, content) {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write('0000644\0' + '0000000\0'.repeat(2), 100);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0        0`, 124);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc(((512 - (content.length % 512)) % 512) + 1024)]);
}

/**
 * @param {string} tag
 * @param {number} layers
 */
function makeImage(tag, layers) {
  const tars = Array.from({ length: layers }, (_, at) => tar(`file-${tag}-${at}`, randomBytes(600_000)));
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: { tag } },
      rootfs: {
        type: 'layers',
        diff_ids: tars.map((bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`),
      },
    }),
  );
  const type = 'application/vnd.docker';
  const describe = (/** @type {string} */ mediaType, /** @type {Buffer} */ bytes) => ({
    mediaType,
    size: bytes.length,
    digest: keep(bytes),
  });
  manifests.set(
    tag,
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: `${type}.distribution.manifest.v2+json`,
        config: describe(`${type}.container.image.v1+json`, config),
        layers: tars.map((bytes) => describe(`${type}.image.rootfs.diff.tar.gzip`, gzipSync(bytes))),
      }),
    ),
  );
}

makeImage('1', 3);

const server = createServer((request, response) => {
  const login = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString();
  if (login !== 'me:s3cret') {
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="test"', 'Content-Type': 'application/json' });
    response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}');
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    take(request, response);
    return;
  }
  const [, kind, reference = ''] = /\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? [];
  const bytes = kind === 'blobs' ? blobs.get(reference) : (manifests.get(reference) ?? byDigest(reference));
  if (request.url === '/v2/') response.end('{}');
  else if (!bytes) {
    response.writeHead(404, { 'Content-Type': 'application/json' });
    response.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
  } else {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    response.writeHead(200, {
      'Content-Length': bytes.length,
      'Content-Type':
        kind === 'manifests' ? 'application/vnd.docker.distribution.manifest.v2+json' : 'application/octet-stream',
      'Docker-Content-Digest': digest,
    });
    if (request.method === 'HEAD') response.end();
    else send(response, bytes);
  }
});

/** What is being sent, by its number. @type {Map<string, Buffer[]>} */
const uploads = new Map();

/**
 * Takes blobs (POST, PATCHes, PUT with the digest) and manifests (PUT).
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
function take(request, response) {
  const url = new URL(request.url ?? '', 'http://registry');
  /** @type {Buffer[]} */
  const body = [];
  request.on('data', (/** @type {Buffer} */ piece) => body.push(piece));
  request.on('end', () => {
    const [, tag] = /\/manifests\/([^/]+)$/.exec(url.pathname) ?? [];
    if (tag !== undefined) {
      manifests.set(tag, Buffer.concat(body));
      response.writeHead(201, { 'Docker-Content-Digest': keep(Buffer.concat(body)), 'Content-Length': 0 });
      response.end();
      return;
    }
    const id = request.method === 'POST' ? String(uploads.size + 1) : (url.pathname.split('/').at(-1) ?? '');
    const pieces = uploads.get(id) ?? [];
    uploads.set(id, [...pieces, ...body]);
    const digest = url.searchParams.get('digest');
    if (request.method === 'PUT' && digest) keep(Buffer.concat([...pieces, ...body]));
    const place = url.pathname.replace(/uploads\/.*$/, `uploads/${id}`);
    const length = Buffer.concat(uploads.get(id) ?? []).length;
    response.writeHead(request.method === 'PUT' ? 201 : 202, {
      Location: place,
      Range: `0-${Math.max(0, length - 1)}`,
      'Docker-Upload-UUID': id,
      'Content-Length': 0,
      ...(digest ? { 'Docker-Content-Digest': digest } : {}),
    });
    response.end();
  });
}

/**
 * @param {string} digest
 */
function byDigest(digest) {
  return [...manifests.values()].find(
    (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}` === digest,
  );
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {Buffer} bytes
 */
function send(response, bytes) {
  response.write(bytes.subarray(0, 100_000));
  const rest = bytes.subarray(100_000);
  if (rest.length > 0) setTimeout(() => send(response, rest), 60);
  else response.end();
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
