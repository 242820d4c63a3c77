import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findChromium } from './chromium.js';

/** What is found on a platform where just the given programs are installed. */
const found = (
  platform: NodeJS.Platform,
  installed: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): string | undefined =>
  findChromium(platform, environment, (path) => installed.includes(path.replaceAll('\\', '/')))?.replaceAll(
    '\\',
    '/',
  );

describe('a browser', () => {
  it('is found where the platforms install it', () => {
    const cases: [NodeJS.Platform, string, NodeJS.ProcessEnv][] = [
      ['linux', '/usr/bin/chromium', {}],
      ['linux', '/snap/bin/chromium', {}],
      ['linux', '/opt/bin/google-chrome-stable', { PATH: '/bin:/opt/bin' }],
      ['darwin', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', {}],
      ['darwin', '/Users/me/Applications/Chromium.app/Contents/MacOS/Chromium', { HOME: '/Users/me' }],
      [
        'win32',
        'C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe',
        { 'PROGRAMFILES(X86)': 'C:\\Program Files (x86)' },
      ],
    ];
    for (const [platform, path, environment] of cases) {
      assert.equal(found(platform, [path], environment), path);
      assert.equal(found(platform, [], environment), undefined);
    }
  });

  it('is the one that CHROME_PATH names, before all others', () => {
    assert.equal(found('linux', ['/usr/bin/chromium'], { CHROME_PATH: '/mine' }), '/mine');
  });
});
