/** Why an engine on another machine was not reached, as a sentence that says what to do: told from Node's TLS errors and from ssh's words. */
import { X509Certificate } from 'node:crypto';
import { sentence, say, type Sentence } from '../../contract/sentence';
import { EngineError } from '../../core/engine';
import { readTls, type Target } from './endpoint';
import { text } from './parse';
import { SshEnded } from './ssh';

type Tcp = Extract<Target, { kind: 'tcp' }>;
type Ssh = Extract<Target, { kind: 'ssh' }>;

/** The same failure, with a sentence where there is one for it. */
export function explain(error: EngineError, target: Target): EngineError {
  if (error.words || target.kind === 'socket') return error;
  const words = target.kind === 'ssh' ? sshWords(error, target) : tlsWords(error, target);
  if (!words) return error;
  const denied = /^reach\.(tls(?!NotSpoken)|sshUnknown|sshChanged|sshDenied)/.test(words.code);
  return new EngineError(denied ? 'denied' : 'away', say(words), { cause: error, words });
}

const authority = new Set([
  ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ...['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_SIGNATURE_FAILURE', 'CERT_UNTRUSTED'],
]);
/** A server that does not take the client's certificate may end the connection before its reason has been read. */
const cut = new Set(['ECONNRESET', 'EPIPE']);

function tlsWords(error: EngineError, { host, port, tls }: Tcp): Sentence | undefined {
  const cause = causeOf(error);
  const code = typeof cause['code'] === 'string' ? cause['code'] : '';
  if (!tls)
    return /HTTP request to an HTTPS server/.test(error.detail)
      ? sentence('reach.tlsSpoken', { host, port })
      : undefined;
  const path = tls.folder || 'none';
  if (authority.has(code)) return sentence('reach.tlsAuthority', { host, path });
  if (code === 'CERT_HAS_EXPIRED') return sentence('reach.tlsExpired', { host });
  if (code === 'CERT_NOT_YET_VALID') return sentence('reach.tlsEarly', { host });
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return sentence('reach.tlsName', { host, names: namesOf(cause) });
  if (code === 'EPROTO' || /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/.test(code))
    return sentence('reach.tlsNotSpoken', { host, port });
  if (/_ALERT_/.test(code) || cut.has(code)) return clientWords(host, tls.folder);
  if (code.startsWith('ERR_OSSL') || code === 'ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE')
    return sentence('reach.tlsFiles', { path, reason: text(cause['message'], 200) });
  return undefined;
}

function clientWords(host: string, folder: string): Sentence {
  const { cert, key } = readTls({ folder, skipVerify: false });
  const path = folder || 'none';
  if (!cert || !key) return sentence('reach.tlsNoClient', { host, path });
  return sentence(isOver(cert) ? 'reach.tlsOwnExpired' : 'reach.tlsClient', { host, path });
}

function isOver(pem: Buffer): boolean {
  try {
    return Date.parse(new X509Certificate(pem).validTo) < Date.now();
  } catch {
    return false;
  }
}

/** `DNS:build, IP Address:10.0.0.5` as the certificate has them; untrusted. */
function namesOf(cause: Record<string, unknown>): string {
  const { cert } = cause as { cert?: { subjectaltname?: unknown } };
  return text(cert?.subjectaltname, 200).replace(/DNS:|IP Address:/g, '') || '—';
}

function sshWords(error: EngineError, target: Ssh): Sentence | undefined {
  const { host } = target;
  const cause = causeOf(error);
  if (cause['code'] === 'ENOENT') return sentence('reach.sshMissing');
  const ended = 'ended' in cause && cause['ended'] instanceof SshEnded ? cause['ended'] : undefined;
  if (!ended) return undefined;
  const { said, code } = ended;
  const user = target.user ?? 'this user';
  if (/HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i.test(said))
    return sentence('reach.sshChanged', { host, command: forget(target) });
  if (/Host key verification failed|host key is known for/i.test(said)) return sentence('reach.sshUnknown', { host });
  if (/Permission denied \(|Too many authentication failures|UNPROTECTED PRIVATE KEY/i.test(said))
    return sentence('reach.sshDenied', { host, user });
  if (/Could not resolve hostname/i.test(said)) return sentence('reach.sshNoHost', { host });
  if (code === 127 || /docker: (command )?not found/i.test(said)) return sentence('reach.sshNoDocker', { host });
  if (/docker daemon|docker\.sock|error during connect|dial unix/i.test(said))
    return sentence('reach.sshNoEngine', { host, user });
  if (code === 255) return sentence('reach.sshClosed', { host, reason: text(said, 200) || '255' });
  return undefined;
}

/** What removes a host's key from those that are known. */
function forget({ host, port }: Ssh): string {
  return `ssh-keygen -R ${port ? `'[${host}]:${port}'` : host}`;
}

/** What Node threw, below what has been made of it. */
function causeOf(error: EngineError): Record<string, unknown> {
  let cause: unknown = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  if (cause instanceof SshEnded) return { ended: cause };
  if (!(cause instanceof Error)) return {};
  return { ...cause, message: cause.message };
}
