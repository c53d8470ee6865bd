import { describe, expect, it } from 'vitest';
import { levelOf } from '../../../../../src-main/core/logs/ingest/level';
import { levelNames } from '../../../../../src-main/core/logs/line';
import { sharedLogs } from '../support';

const table: [string, string][] = [
  // JSON
  ['{"level":"error","msg":"x"}', 'error'],
  ['{"level":50,"msg":"pino"}', 'error'],
  ['{"level":10}', 'trace'],
  ['{"level":60}', 'fatal'],
  ['{"severity":"WARNING","message":"gcp"}', 'warn'],
  ['{"severity":500,"message":"gcp number"}', 'error'],
  ['{"levelname":"INFO"}', 'info'],
  ['{"log.level":"debug","@timestamp":"x"}', 'debug'],
  ['{"log":{"level":"warn"}}', 'warn'],
  ['{"@l":"Fatal","@m":"serilog"}', 'fatal'],
  ['{"level":3,"short_message":"gelf"}', 'error'],
  ['{"t":{"$date":"x"},"s":"W","c":"NETWORK","id":1,"ctx":"main","msg":"mongo"}', 'warn'],
  ['{"msg":"level error inside a value"}', 'unknown'],
  ['{"a":{"level":"error"}}', 'unknown'],
  ['{"status":503,"path":"/"}', 'error'],
  ['{"level":"error"', 'error'],
  ['{not json} ERROR x', 'error'],
  // logfmt
  ['time=2024-01-01T00:00:00Z level=warn msg="x"', 'warn'],
  ['ts=1 lvl=eror msg=geth', 'error'],
  ['level="error" msg=x', 'error'],
  ['msg="level was error" level=info', 'info'],
  ['level=info msg="ERROR in text"', 'info'],
  // klog, glog
  ['I1124 12:00:00.123456       1 main.go:10] started', 'info'],
  ['E1124 12:00:00.123456       1 main.go:10] failed', 'error'],
  ['W1124 12:00:00.123456       1 main.go:10] hm', 'warn'],
  ['F1124 12:00:00.123456       1 main.go:10] died', 'fatal'],
  ['I, [2024-01-01T00:00:00 #1]  INFO -- : ruby', 'info'],
  // syslog
  ['<34>Oct 11 22:14:15 host su: x', 'fatal'],
  ['<11>1 2003-10-11T22:14:15.003Z host app', 'error'],
  ['<12>x', 'warn'],
  ['<14>x', 'info'],
  ['<191>debug', 'debug'],
  // log4j, logback, python, java
  ['2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]] - Notification', 'info'],
  ['17/06/09 20:10:40 WARN executor.Backend: ERROR later', 'warn'],
  ['2024-01-01 00:00:00.000  ERROR 1 --- [main] o.s.b.X : failed', 'error'],
  ['12:00:00.000 [main] DEBUG com.example - x', 'debug'],
  ['WARNING:root:python', 'warn'],
  ['2024-01-01 00:00:00,000 - name - CRITICAL - x', 'fatal'],
  ['SEVERE: Servlet failed', 'error'],
  ['[INFO ] spring', 'info'],
  ['[2024-01-01T00:00:00,000][WARN ][o.e.x] elastic', 'warn'],
  // nginx, apache, haproxy, mysql, postgres, redis
  ['2024/01/01 00:00:00 [error] 29#29: *1 open() failed', 'error'],
  ['2024/01/01 00:00:00 [crit] 29#29: x', 'fatal'],
  ['[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok', 'info'],
  ['[Mon Jan 01 00:00:00.000000 2024] [core:error] [pid 1] AH00', 'error'],
  ['[WARNING]  (1) : config', 'warn'],
  ['2024-01-01T00:00:00.000000Z 0 [Warning] [MY-010068] [Server] CA', 'warn'],
  ['2024-01-01T00:00:00.000000Z 0 [System] [MY-010116] [Server] up', 'info'],
  ['2024-01-01 00:00:00.000 UTC [1] LOG:  database system is ready', 'info'],
  ['2024-01-01 00:00:00.000 UTC [1] FATAL:  role does not exist', 'fatal'],
  ['1:M 01 Jan 2024 00:00:00.000 * Ready to accept connections', 'info'],
  ['1:M 01 Jan 2024 00:00:00.000 # WARNING overcommit', 'warn'],
  ['1:M 01 Jan 2024 00:00:00.000 # Server', 'warn'],
  // access logs
  ['127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /error HTTP/1.0" 200 2326', 'info'],
  ['127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 404 2326 "-" "curl"', 'warn'],
  ['127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "POST / HTTP/1.0" 502 0', 'error'],
  // short forms and runtimes
  ['10:00AM INF zerolog', 'info'],
  ['10:00AM ERR zerolog error=x', 'error'],
  ['npm ERR! code ELIFECYCLE', 'error'],
  ['Traceback (most recent call last):', 'error'],
  ['java.lang.IllegalStateException: x', 'error'],
  ['TypeError: x is not a function', 'error'],
  ['panic: runtime error: index out of range', 'fatal'],
  ['Exception in thread "main" java.lang.Error', 'error'],
  ['error: no such file', 'error'],
  ['app: warning: deprecated', 'warn'],
  // nothing to see
  ['', 'unknown'],
  ['listening on port 80', 'unknown'],
  ['0 errors, 0 warnings', 'unknown'],
  ['GET /INFO/x', 'unknown'],
  ['the information desk', 'unknown'],
  ['CHANGELOG updated', 'unknown'],
];

describe('the level of a line', () => {
  it.each(table)('%s is %s', (line, level) => {
    expect(levelNames[levelOf(line)]).toBe(level);
  });

  it('is found in real logs as their authors wrote it', () => {
    const logs = sharedLogs();
    if (!logs) {
      console.warn('skipped: the shared logs are not here (set PILOTHOUSE_SHARED_DATA)');
      return;
    }
    const patterns: Record<string, RegExp> = {
      'Apache.log': /^\[[^\]]+\] \[(\w+)\]/,
      'HDFS.log': /^\d+ \d+ \d+ (\w+) /,
      'OpenStack.log': /^\S+ \S+ \S+ \d+ (\w+) /,
      'Spark.log': /^\S+ \S+ (\w+) /,
      'Zookeeper.log': /^\S+ \S+ - (\w+) /,
    };
    const expected: Record<string, string> = {
      INFO: 'info',
      WARN: 'warn',
      WARNING: 'warn',
      ERROR: 'error',
      notice: 'info',
      error: 'error',
    };
    let checked = 0;
    for (const { name, lines } of logs) {
      const pattern = patterns[name];
      if (!pattern) continue;
      for (const line of lines) {
        const word = pattern.exec(line)?.[1];
        const level = word === undefined ? undefined : expected[word];
        if (level === undefined) continue;
        expect({ line, level: levelNames[levelOf(line)] }).toEqual({ line, level });
        checked += 1;
      }
    }
    expect(checked).toBeGreaterThan(9000);
  });
});
