import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandEnding } from './format.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

describe('the formats of pictures', () => {
  it('gives the ending of what the command reads, and none of what the browser alone may read', () => {
    assert.equal(commandEnding(bytes('\x89PNG\r\n\x1a\n\0\0\0\r')), 'png');
    assert.equal(commandEnding(bytes('\xff\xd8\xff\xe0')), 'jpg');
    assert.equal(commandEnding(bytes('GIF89a')), 'gif');
    assert.equal(commandEnding(bytes('RIFF\n\0\0\0WEBPVP8 ')), 'webp');
    assert.equal(commandEnding(bytes('\0\0\0\x1cftypavif\0\0')), 'avif');
    assert.equal(commandEnding(bytes('\0\0\0\x1cftypheic\0\0')), undefined);
    assert.equal(commandEnding(bytes('BM6\0\0\0\0\0\0\0\0\0')), undefined);
    assert.equal(commandEnding(new Uint8Array(0)), undefined);
  });
});
