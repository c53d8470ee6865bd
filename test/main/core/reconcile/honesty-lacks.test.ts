import { describe, expect, it } from 'vitest';
import { honesty, type HonestyOptions } from '../../../../src-main/core/reconcile/honesty';
import { stackSpec } from './bench';

describe('an engine that lacks something', () => {
  const warnings = (lacks: HonestyOptions['lacks']): string[] => {
    const web = {
      domainname: 'example.internal',
      healthcheck: { test: ['CMD', 'true'] },
      extras: { annotations: {}, macAddress: '02:42:ac:11:00:99' },
    };
    const options = { gateway: true, ...(lacks ? { lacks } : {}) };
    return honesty(stackSpec('shop', { web, plain: {} }), options).warnings.map(
      ({ message, where }) => `${where?.path}: ${message}`,
    );
  };

  it('is told of where a service asks for it, and nowhere else', () => {
    expect(warnings(undefined)).toEqual([]);
    expect(warnings(['boot', 'update', 'gpus', 'annotations'])).toEqual([]);
    expect(warnings(['health-timers', 'domainname', 'mac_address'])).toEqual([
      'services.web.domainname: web is run without domainname: this engine takes the setting and forgets it',
      'services.web.mac_address: web is run without mac_address: this engine takes the setting and forgets it',
      'services.web.healthcheck: The health of web is checked only while Pilothouse runs: this engine has no systemd to check it by itself',
    ]);
  });
});
