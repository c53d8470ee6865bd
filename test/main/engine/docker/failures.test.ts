import { describe, expect, it } from 'vitest';
import { EngineError, type EngineErrorCode } from '../../../../src-main/core/engine';
import { refusal, refusalText, toEngineError } from '../../../../src-main/engine/docker/failures';

/** Seen on Docker 20.10.24 unless a comment names another engine. */
const answers: [number, string, EngineErrorCode][] = [
  [
    409,
    'Conflict. The container name "/rec-web" is already in use by container "ab7f". You have to remove (or rename) that container to be able to reuse that name.',
    'name-taken',
  ],
  [
    409,
    'Error when allocating new name: Conflict. The container name "/rec-web" is already in use by container "ab7f".',
    'name-taken',
  ],
  [409, 'network with name rec_net already exists', 'name-taken'],
  // Podman 4
  [500, 'network name net1 already used: network already exists', 'name-taken'],
  [500, 'creating container storage: the container name "x" is already in use by 1234', 'name-taken'],
  [404, 'No such image: nope:1', 'no-image'],
  [404, 'no such image: nope: No such image: nope:latest', 'no-image'],
  [404, 'manifest for busybox:nope not found: manifest unknown: manifest unknown', 'no-image'],
  [404, "pull access denied for nope, repository does not exist or may require 'docker login'", 'no-image'],
  [500, 'unauthorized: authentication required', 'denied'],
  [
    500,
    'driver failed programming external connectivity on endpoint rec-port (c96a): Bind for 127.0.0.1:18080 failed: port is already allocated',
    'port-taken',
  ],
  [
    500,
    'driver failed programming external connectivity on endpoint x: Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use',
    'port-taken',
  ],
  // Docker Desktop
  [
    500,
    'Ports are not available: exposing port TCP 0.0.0.0:80 -> 0.0.0.0:0: listen tcp 0.0.0.0:80: bind: address already in use',
    'port-taken',
  ],
  [500, 'write /var/lib/docker/tmp/x: no space left on device', 'no-space'],
  [409, 'Container da8b is paused, unpause the container before exec', 'paused'],
  [409, 'cannot start a paused container, try unpause instead', 'paused'],
  [403, 'error while removing network: network rec_net id 1e96 has active endpoints', 'in-use'],
  [403, 'bridge is a pre-defined network and cannot be removed', 'refused'],
  [409, 'remove rec_vol: volume is in use - [ab7f]', 'in-use'],
  [
    409,
    'conflict: unable to remove repository reference "pilothouse/demo-app:1" (must force) - container ab7f is using its referenced image 9171',
    'in-use',
  ],
  [404, 'No such container: nope', 'not-found'],
  [404, 'page not found', 'unsupported'],
  // Podman 4
  [404, 'Not Found', 'unsupported'],
  [500, 'cannot listen on the TCP port: listen tcp4 127.0.0.1:18099: bind: address already in use', 'port-taken'],
  [
    500,
    '"pn1" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used',
    'in-use',
  ],
  [404, 'no container with name or ID "zzz" found: no such container', 'not-found'],
  [404, 'no such image: docker.io/library/nope:1: image not known', 'no-image'],
  [404, 'network nope not found', 'not-found'],
  [404, 'get nope: no such volume', 'not-found'],
  [
    409,
    'renaming container 27: name b already in use, cannot rename container 27: container already exists',
    'name-taken',
  ],
  [
    500,
    'cannot remove container 46 as it is running - running or paused containers cannot be removed without force: container state improper',
    'refused',
  ],
  [409, 'cannot create exec session as container 46 is paused', 'paused'],
  [500, 'container cd must be in Created or Stopped state to be started: container state improper', 'paused'],
  [500, '"46" is already paused: container state improper', 'refused'],
  [500, "this container is using the 'none' log driver, cannot read logs: not logging output", 'unsupported'],
  [400, 'Minimum memory limit allowed is 6MB', 'invalid'],
  [400, 'Invalid signal: NOPE', 'invalid'],
  [409, 'Container 93c0 is not running', 'refused'],
  [501, 'configured logging driver does not support reading', 'unsupported'],
  [500, 'Get "http://localhost:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', 'refused'],
  [401, '', 'denied'],
  [504, '', 'timeout'],
  [500, '', 'refused'],
];

describe('answers of the engine', () => {
  it.each(answers)('%i %s', (status, message, code) => {
    const error = refusal(status, JSON.stringify({ message }));
    expect(error).toBeInstanceOf(EngineError);
    expect(error.code).toBe(code);
    expect(error.detail).toBe(message || `HTTP ${status}`);
  });

  it('may be of any form and length', () => {
    expect(refusal(500, '<html>proxy</html>').detail).toBe('<html>proxy</html>');
    expect(refusal(500, '{"cause":"why"}').detail).toBe('why');
    expect(refusal(500, JSON.stringify({ message: 'x'.repeat(10_000) })).detail).toHaveLength(2_000);
    expect(refusal(500, '[1]').detail).toBe('HTTP 500');
    expect(refusalText('manifest unknown').code).toBe('no-image');
  });
});

describe('failures of the connection', () => {
  const coded = (code: string): Error => Object.assign(new Error(code), { code });
  it.each([
    ['ECONNREFUSED', 'away'],
    ['ENOENT', 'away'],
    ['ECONNRESET', 'away'],
    ['EPIPE', 'away'],
    ['ENOTFOUND', 'away'],
    ['EACCES', 'denied'],
    ['CERT_HAS_EXPIRED', 'denied'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'denied'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'denied'],
    ['HPE_INVALID_CONSTANT', 'refused'],
    ['ERR_INVALID_CHAR', 'invalid'],
  ])('%s is %s', (code, expected) => {
    const cause = coded(code);
    expect(toEngineError(cause)).toMatchObject({ code: expected, cause });
  });

  it('keep what is already judged', () => {
    const error = new EngineError('no-space', 'full');
    expect(toEngineError(error)).toBe(error);
    expect(toEngineError('text')).toMatchObject({ code: 'away', detail: 'text' });
    expect(toEngineError(new SyntaxError('bad'))).toMatchObject({ code: 'refused' });
  });
});
