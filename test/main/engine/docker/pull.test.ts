import { describe, expect, it } from 'vitest';
import { PullMeter } from '../../../../src-main/engine/docker/pull';

describe('progress of a pull', () => {
  it('is the sum of the layers, and never goes back', () => {
    const meter = new PullMeter();
    const seen: string[] = [];
    const say = (line: object): void => {
      meter.add(line as Record<string, unknown>);
      const { done, total, status } = meter.progress;
      seen.push(`${done}/${total} ${status}`);
    };
    say({ status: 'Pulling from library/busybox', id: 'latest' });
    say({ status: 'Pulling fs layer', progressDetail: {}, id: 'a' });
    say({ status: 'Downloading', progressDetail: { current: 10, total: 100 }, id: 'a' });
    say({ status: 'Downloading', progressDetail: { current: 5, total: 50 }, id: 'b' });
    say({ status: 'Downloading', progressDetail: { current: 100, total: 100 }, id: 'a' });
    say({ status: 'Extracting', progressDetail: { current: 1, total: 100 }, id: 'a' });
    say({ status: 'Download complete', progressDetail: {}, id: 'b' });
    say({ status: 'Pull complete', progressDetail: {}, id: 'a' });
    say({ status: 'Status: Downloaded newer image for busybox:latest' });
    expect(seen).toEqual([
      '0/0 Pulling from library/busybox',
      '0/0 Pulling fs layer',
      '10/100 Downloading',
      '15/150 Downloading',
      '105/150 Downloading',
      '105/150 Extracting',
      '150/150 Download complete',
      '150/150 Pull complete',
      '150/150 Status: Downloaded newer image for busybox:latest',
    ]);
  });

  it('takes nonsense for nothing', () => {
    const meter = new PullMeter();
    meter.add({ status: 5, id: 'a', progressDetail: 'x' });
    meter.add({ status: 'Downloading', id: 'a', progressDetail: { current: 'x', total: -5 } });
    expect(meter.progress).toEqual({ done: 0, total: 0, status: 'Downloading' });
  });
});
