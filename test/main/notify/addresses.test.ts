import { describe, expect, it } from 'vitest';
import { addressesOf, reachOf, type Address } from '../../../src-main/notify/addresses';

describe('where an address leads', () => {
  it.each([
    ['127.0.0.1', 'local'],
    ['127.255.0.3', 'local'],
    ['10.1.2.3', 'local'],
    ['172.16.0.1', 'local'],
    ['172.31.255.255', 'local'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'local'],
    ['100.64.0.1', 'local'],
    ['198.18.0.1', 'local'],
    ['169.254.169.254', 'never'],
    ['0.0.0.0', 'never'],
    ['224.0.0.1', 'never'],
    ['255.255.255.255', 'never'],
    ['192.0.2.1', 'never'],
    ['93.184.215.14', 'public'],
    ['8.8.8.8', 'public'],
    ['::1', 'local'],
    ['::', 'never'],
    ['fd12:3456::1', 'local'],
    ['fe80::1', 'never'],
    ['fe80::1%eth0', 'never'],
    ['ff02::1', 'never'],
    ['fd00:ec2::254', 'never'],
    ['::ffff:127.0.0.1', 'local'],
    ['::ffff:7f00:1', 'local'],
    ['::ffff:169.254.169.254', 'never'],
    ['::ffff:a9fe:a9fe', 'never'],
    ['::ffff:8.8.8.8', 'public'],
    ['::127.0.0.1', 'never'],
    ['::ffff:0:127.0.0.1', 'never'],
    ['64:ff9b::7f00:1', 'never'],
    ['64:ff9b::127.0.0.1', 'never'],
    ['64:ff9b:1::7f00:1', 'never'],
    ['2002:7f00:1::', 'never'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'never'],
    ['2001:db8::1', 'never'],
    ['2606:4700:4700::1111', 'public'],
    ['not an address', 'never'],
    ['', 'never'],
  ])('%s is %s', (address, reach) => {
    expect(reachOf(address)).toBe(reach);
  });

  it('one bad address among many is enough', async () => {
    const lookup = (): Promise<Address[]> =>
      Promise.resolve([
        { address: '8.8.8.8', family: 4 },
        { address: '169.254.169.254', family: 4 },
      ]);
    expect(await addressesOf('both.example', true, lookup)).toEqual({ refused: 'never' });
  });

  it('local ones want to be allowed, whatever the name', async () => {
    const lookup = (): Promise<Address[]> => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    expect(await addressesOf('127.0.0.1.nip.example', false, lookup)).toEqual({ refused: 'local' });
    expect(await addressesOf('[::ffff:7f00:1]', false, lookup)).toEqual({ refused: 'local' });
    expect(await addressesOf('here.example', true, lookup)).toEqual({
      addresses: [{ address: '127.0.0.1', family: 4 }],
    });
  });
});
