/** A mail server of one file: speaks enough SMTP to take a mail, over real TCP, and keeps what it was given. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface TakenMail {
  from: string;
  to: string[];
  /** As it came over the line, dots unstuffed. */
  data: string;
  /** User and password of AUTH PLAIN, when given. */
  login?: string;
}

export interface SmtpSink {
  port: number;
  mails: TakenMail[];
  /** What the server says after the data; default `250 taken`. */
  answer: string;
  close(): Promise<void>;
}

/** Listens on loopback. */
export async function smtpSink(): Promise<SmtpSink> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    attend(socket, sink);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sink: SmtpSink = {
    port: (server.address() as AddressInfo).port,
    mails: [],
    answer: '250 taken',
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return sink;
}

function attend(socket: Socket, sink: SmtpSink): void {
  let waiting = '';
  let data: string[] | undefined;
  let mail: TakenMail = { from: '', to: [], data: '' };
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  const hear = (line: string): void => {
    if (data) {
      if (line !== '.') {
        data.push(line.startsWith('.') ? line.slice(1) : line);
        return;
      }
      if (sink.answer.startsWith('2')) sink.mails.push({ ...mail, data: data.join('\n') });
      data = undefined;
      say(sink.answer);
      return;
    }
    const verb = line.split(/[ :]/)[0]?.toUpperCase();
    switch (verb) {
      case 'EHLO':
        say('250-sink');
        say('250-AUTH PLAIN');
        return say('250 8BITMIME');
      case 'AUTH':
        mail = { ...mail, login: Buffer.from(line.split(' ')[2] ?? '', 'base64').toString() };
        return say('235 welcome');
      case 'MAIL':
        mail = { ...mail, from: /<([^>]*)>/.exec(line)?.[1] ?? '', to: [] };
        return say('250 ok');
      case 'RCPT':
        mail.to.push(/<([^>]*)>/.exec(line)?.[1] ?? '');
        return say('250 ok');
      case 'DATA':
        data = [];
        return say('354 go on');
      case 'STARTTLS':
        return say('502 not here');
      case 'QUIT':
        say('221 bye');
        return void socket.end();
      default:
        return say('250 ok');
    }
  };
  say('220 sink ESMTP');
  socket.on('data', (chunk: Buffer) => {
    waiting += chunk.toString('utf8');
    const lines = waiting.split('\r\n');
    waiting = lines.pop() ?? '';
    lines.forEach(hear);
  });
}
