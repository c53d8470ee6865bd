/** One mail over SMTP, to a server whose address was chosen before. */
import type { MailOutgoing } from '../core/alerts';
import type { Address } from './addresses';

/** Milliseconds for each step of the conversation. */
const patience = 10_000;

/** Sends it; the message's id is made of the key, so that a second try is the same mail. Rejects with what the server said. */
export async function sendMail(
  mail: MailOutgoing,
  key: string,
  to: { address: Address; signal: AbortSignal },
): Promise<void> {
  const { address, signal } = to;
  // Loaded by who sends mail: it would be a sixth of what every start reads.
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    host: address.address,
    port: mail.port,
    secure: mail.security === 'tls',
    requireTLS: mail.security === 'starttls',
    ignoreTLS: mail.security === 'none',
    // The certificate is the host's that was named, not the address's.
    tls: { servername: mail.host, minVersion: 'TLSv1.2' },
    connectionTimeout: patience,
    greetingTimeout: patience,
    socketTimeout: patience,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(mail.user === '' ? {} : { auth: { user: mail.user, pass: mail.password } }),
  });
  const close = (): void => transport.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    const { from, to: recipients, subject, text, html } = mail;
    await transport.sendMail({ from, to: recipients, subject, text, html, messageId: `<${key}@pilothouse>` });
  } finally {
    signal.removeEventListener('abort', close);
    transport.close();
  }
}
