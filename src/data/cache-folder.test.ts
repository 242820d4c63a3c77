import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { cacheFolder } from './cache-folder.js';

it('the cache folder follows the platform, and TRACT_DATA_DIR before all', () => {
  assert.equal(cacheFolder({}, 'linux', '/home/ann'), join('/home/ann', '.cache', 'tract-ts'));
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/caches' }, 'linux', '/home/ann'), join('/caches', 'tract-ts'));
  assert.equal(
    cacheFolder({ XDG_CACHE_HOME: '' }, 'darwin', '/home/ann'),
    join('/home/ann', '.cache', 'tract-ts'),
  );
  assert.equal(cacheFolder({ LOCALAPPDATA: '/local' }, 'win32', '/ann'), join('/local', 'tract-ts'));
  assert.equal(cacheFolder({}, 'win32', '/ann'), join('/ann', 'AppData', 'Local', 'tract-ts'));
  assert.equal(cacheFolder({ TRACT_DATA_DIR: '/data', XDG_CACHE_HOME: '/caches' }, 'linux', '/ann'), '/data');
});
