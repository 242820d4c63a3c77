import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { Random } from '../random/random.js';
import { brightness, colorJitter, contrast, hue, saturation } from './colour.js';
import { type ImageTransform, type Picture } from './image-transform.js';
import { createImageTransform } from './image-transforms.js';
import {
  affine,
  autoContrast,
  equalize,
  posterize,
  randAugment,
  rotate,
  sharpness,
  solarize,
} from './rand-augment.js';
import { randomErasing } from './random-erasing.js';

const picture: Picture = {
  data: Uint8Array.from(
    { length: 3 * 9 * 7 },
    (_, i) => ((31 * i + 7 * Math.floor(i / 5) * (i % 3)) % 200) + 20,
  ),
  shape: [3, 7, 9],
};

/** What Pillow 13 makes of it: planes of red, green and blue, in base64. */
const pillow = {
  'brightness 1.6':
    'IFGDtOb//0aDnub//zuDiNv//zCZcdD//zCZW8T/8CSZRLn/2f+ZLrn/w/+Z/67/rP+w/6P/lv+w/5j/gP+w/4z/af+w/oz/U/+w6IH/PP/G0Xb/Jv/Gu2v////GpGAx///GjmAx//TGeFQx/+ncYUkx9uncSz4x4N7cNDNIydPc/zNIs8jc/yhInLzz//9Ihrzz//9IcLHz//9eWabz7v9eQ5vz2P9eLJD/wf9e/5D/q/9e/4T/lP90/3n/',
  'brightness 0.3':
    'Bg8YISs4PQ0YHSs4OQsYGSk4NQkcFSc4MQkcESQ4LQYcDCI8KEAcCCI8JD4cQCA8IDwhPB48HDwhOBw8GDohMxpBEzghLxpBDzYhKxhBCzQlJxZBBzQlIxRBPzIlHhIJOjAlGhIJNi0lFg8JMispEg0JLispDgsJKikpCQkNJScpQQkNISUpPQcNHSMtOUENGSMtNT8NFSEtMD0REB8tLD0RDB0tKDsRCBsxJDkRQBsxIDYRPBgxGzQVNxYx',
  'contrast 1.7':
    'AAM4bKHu/wA4VaHu8wA4PZXu2wBPJYnuwwBPDX3uqwBPAHH/k/9PAHH/fP9P/2b/ZP9n/1r/TP9n6k7/NPhn0kL/HOxnu0L/BeBnozb/ANR/iyr/ANR/cx7//8h/WxIA+bx/RBIA4rB/LAYAyqSXFAAAsqSXAAAAmpmXAAAAgo2X/wAAa4GX/wAAU3Wv8f8AO3Wv2f8AI2mvwf8RC12vqv8RAFGvkvsRAEXGeu8R/0XGYuMR/znGStco6C3G',
  'contrast 0.4':
    'T1todIGTmVlob4GTlFZoaX6TjlNtY3uTiVNtXniTg1BtWHWYfZ1tU3WYeJttnXOYcphzl3CYbZhzkm2YZ5VzjGqeYZJzh2qeXI9zgWeeVo15e2WeUY15dmKem4p5cF9TlYd5a19TkIR5ZVxTioF+X1lThYF+WldTf39+VFRZeXx+n1RZdHl+mVFZbnaEk55ZaXaEjptZY3OEiJlfXXGEg5lfWG6EfZZfUmuJd5NfnWuJcpBfl2iJbI1kkWWJ',
  'saturation 1.9':
    'ABcEf4T18AwEcYj14gUDY23u1AAaVWLuxgIaAFvsuAB8AFP/qv98AFj/nP97+VH8ev+S60b8bP+S3T/6Xv+K2l3/JtdflmD/GM9fiFn/CrNzelH/ALZzbEj//69xXkEB8adtUA4B455tQgcAn5eBIQAAkZqBEwAAg5N/BQAPgbFv/wAAPaZv/wAAL5+I//8AIaSF//wAE5yFpvUABZXnmPoAAFTnivIAAE3/RusA/1L8OOAA/0r8KtkD/0P1',
  'saturation 0':
    'elKoYZ1+qE+oU5h+mkipRaiGjEKtN6WGfj2tn56IcDZAkZiMYm9Ag5OMVGhCsYyUXGJGo4mUTl1GlYKWQFZOelKoYZ1+qE+oU5h+mkipRaiGjEKtN6WGfj2tn56IcDZAkZiMYm9Ag5OMVGhCsYyUXGJGo4mUTl1GlYKWQFZOelKoYZ1+qE+oU5h+mkipRaiGjEKtN6WGfj2tn56IcDZAkZiMYm9Ag5OMVGhCsYyUXGJGo4mUTl1GlYKWQFZO',
  'sharpness 1.8':
    'FDNScZC9zixSY6jp6QAzPpW9sgBMK47xxABgOXrosgBSAHHLiPxJAHT3c/Vg11TuYexZ4U3LXspuu1/LUMNurVjZQrxun1jZNM1mlTj/AMR8gyX/ANOAcR3Z0r+EXiEA9rh8WRcA472LOBAfqLSjJQkAvreKLycfjIuKISAtfoSK2yAtcH2KzQABTnOw5/8tVHay1P8AHWOYo/sUClytr/07KlSkj+kbAEumeeIS/kK/a9s7yFOmXbBJukym',
  'sharpness 0.1':
    'FDNScZC9zixSY3SKkV10bnu9sld2ZXSBf1RgOXuMdk5vYXbLiK55WHOZgahg14ijd6OFroHLXspuu1/LUMNurVjZQrxun1jZNJp3i2ylWpR8g3OhUIN2eW3Z0otzcFlVi4R8WWVRgnBqX14fqGttV1dJcGeKLycfjIuKISAtfoSK2yAtcH2KzVBdd3h9kqItVHV6iZ1jc3yYo5Zma3V/d5Q7Km+JfZtfWWqmeZRoqXWJa447yFOmXbBJukym',
  'hue 0.2':
    'FG5T2yBgjWBTzRpgf1hTv8RScVpgsbZSY1lgOq9jVVKYK7BuR9iYHa9uOdGmlqhh1sqmiJphyMqmepNxusOmJjOIQry9ziyINLW9wCV5Joq9sh6LGIO9pB6LTHu9lhcgPXTLiMsgL3XLesQf127LPbofyWfLL7kfu1/LIrIurYTZjmotcH3ZgFstY3bZctotVHbZZNMtRm/Z0sw7OGhCxMw8KjxCtsU8HDVMeb48iS8/a7c8eyg/XbBJbSBQ',
  'hue -0.4':
    'rXrZUaw3e3rZQ503bnPZNdBFX2/ZJ9BFUWXZ0slLQ14gxMVGNTwgtrtGJzUfhLRTTC8fdrRTPSgfaK1ZMCAuP4RT2yAtcH1TzRotY3Ziv9otVHZmsdMtRm9mZcw7OGiYVsw8KqOYSMU8HJymeb481pmma7c8yJamXbBJuo+mFDNTQry9zixTNLW9wCVTJoq9sh5gGIO9pB5gOnu9lhcuK3TLiNguHXXLetEp127LPco1yWfLL8o1u1/LIsM8',
  'posterize 3':
    'ACBAYICgwCBAYICgwCBAQICgoABgQICgoABgIGCggABgIGDAgMBgAGDAYMBgwGDAYMBgwGDAQMBgoEDAQMBgoEDAQKBggEDAIKBggEDAIKBggEDAAKBgYEDAwKBgYCAAwKBgQCAAoIBgQCAAoICAICAAgICAICAAgICAICAgYICAwCAgYGCAwAAgYGCAoMAgQGCAoMAgQGCAoMAgIGCAgMAgIGCAgMAgAECgYKAgwECgYKAgwECgQKBAoECg',
  'solarize 100':
    'FDNSjm9CMSxSY29CPyVSVXZCTR5gR31CWx5gOYRCaRdgK4s0dydgHYs0hS5gKJI0kzWRNpk0XjWRRF80UDyRUlgmQkORYFgmNEqRblEmJlGDfEomGFGDikMmLViDmDwfO1+DWTwfSWaDSzUfV211PS4fZW11Lycfc3R1ISAtgXt1JCAtj4J1MhktYolnQCUtVIlnTiwtRpBnXDM7OJdnajM7KmFneDo7HFpZhkE7KVpZlEg7N1NZXU9JRUxZ',
  autoContrast:
    'AChQeKHb8R9QZqHb3xZQVJjbzQ1iQo/buw1iMIbbqQNiHXzulv9iC3zuhPVi/XPucux162ruYOx12WHuTuN1xFT/N9hxslT/JM9xn0v/EsaEjUL/AMaEejj/9byEaC8J47OEVS8J0KqEQyYJvqGWMB0Jq6GWHhMJmZeWCwobhIyU/wkacoOU7AAaX3qm2v0aTXqmx/QaO3GmtessKGemoussFl6mkOIsA1W5ftgs+FW5a88s5ky5WcY/00O5',
  'rotate 25':
    'AAAAkL1ViWAAAFJxJVKkHmDLM73AgoJgK3RgYx5glhdgetHLsnu9lnR0bsnDOYjYYGzKy1AAAIhty7tfAAAAAAAAvG4mrtkAANlCUdl1Q9l8WG6Rrq4fxKAfNErZZzwfSzWKg6d8Z5mZH5og0lk8Hz0uiiEAAFmSioyLAAAAAAAAIC2/2pgAAIrbdphGb5g7hC1i09OYlcymzXaYOGiYHFo7VMw7OMXFpmtMoyphmNZaSboAACq+O12wAAAA',
  'rotate -10':
    'Y5BSUnGQvc4Ash69wCVSVYlSOXtgR4K9pIm9iNi9lhdgKx5g121gHXTLenTLXm3LbMpuydFgAG67X8tQUGbLNLXZ2UK8bp8Ag0pukVHZJq7Z0qfZGK58da58WTx8ZzwfxEPZqJIftpl8S6B8L5KKPS4fmjUfAB+Mi4ohIZKKzRmKitsgLXAAVHYtYnaYv9qKo8yYsdMtRtotKmE7OGiYlW+Yeb6Yh8U7HMw7yL471lqma1qmAKZdsEm6urc7',
  'shear 0.3':
    'FDNScZC9zixSY5C9wCVSVYm9HmBHgr2kHmAAe72WF2ArdMsA2GAddMt60WAAy2zKbslmywAAbrtfy1DDbgAArVjZQrxun1jZNLVukVHZJq58StkYrnx1Q9kAp3xnPB/EoHwAPB+2mXxLNR8Aij0uH5qSigAAH4yLiiEgLQAAfoSK2yAtcH2KzRktYnaYv9otdpix0y1Gb5gAzDs4aJiVzDsAYZiHxTscWqYAO9Zapmu3OwAApl2wSbpMpgAA',
};

const ours: Readonly<Record<keyof typeof pillow, Picture>> = {
  'brightness 1.6': brightness(picture, 1.6),
  'brightness 0.3': brightness(picture, 0.3),
  'contrast 1.7': contrast(picture, 1.7),
  'contrast 0.4': contrast(picture, 0.4),
  'saturation 1.9': saturation(picture, 1.9),
  'saturation 0': saturation(picture, 0),
  'sharpness 1.8': sharpness(picture, 1.8),
  'sharpness 0.1': sharpness(picture, 0.1),
  'hue 0.2': hue(picture, 0.2),
  'hue -0.4': hue(picture, -0.4),
  'posterize 3': posterize(picture, 3),
  'solarize 100': solarize(picture, 100),
  autoContrast: autoContrast(picture),
  'rotate 25': rotate(picture, 25),
  'rotate -10': rotate(picture, -10),
  'shear 0.3': affine(picture, [1, 0.3, 0, 0, 1, 0]),
};

describe('changes of colours and places', () => {
  for (const [name, { data }] of Object.entries(ours)) {
    it(`${name} is what Pillow gives`, () => {
      const wanted = Buffer.from(pillow[name as keyof typeof pillow], 'base64');
      assert.equal(data.length, wanted.length);
      // Pillow computes in float32; where a result is a whole number it may fall on either side.
      const off = data.findIndex((level, i) => Math.abs(level - wanted[i]) > 1);
      assert.equal(off, -1, `byte ${off} is ${data[off]}, not ${wanted[off]}`);
      assert.ok(data.filter((level, i) => level !== wanted[i]).length <= 4);
    });
  }

  it('equalize is what Pillow gives', () => {
    const data = Uint8Array.from({ length: 1200 }, (_, i) => (Math.floor((i * i) / 7) % 180) + 30);
    const hash = createHash('sha256')
      .update(equalize({ data, shape: [1, 30, 40] }).data)
      .digest('hex');
    assert.equal(hash.slice(0, 32), '43742fdcf96fe4629df9dd0d4c36508b');
  });
});

describe('transforms by chance', () => {
  const square: Picture = {
    data: Uint8Array.from({ length: 3 * 32 * 32 }, (_, i) => (i * 37 + (i >> 5) * 11) % 251),
    shape: [3, 32, 32],
  };
  const transforms: Readonly<Record<string, ImageTransform>> = {
    colorJitter: colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 }),
    randomErasing: randomErasing({ value: 'random' }),
    randAugment: randAugment(),
  };

  for (const [name, transform] of Object.entries(transforms)) {
    it(`${name} is the same for the same seed, another for others, and leaves its picture as it is`, () => {
      const before = square.data.slice();
      const made = Array.from({ length: 40 }, (_, seed) => transform.apply(square, Random.fromSeed(seed)));
      assert.deepEqual(square.data, before);
      for (const { data, shape } of made) {
        assert.deepEqual(shape, square.shape);
        assert.equal(data.length, before.length);
      }
      const different = new Set(made.map(({ data }) => Buffer.from(data).toString('latin1'))).size;
      assert.ok(different > 15, `${different} of 40 differ`);
      const again = createImageTransform(
        transform.name,
        JSON.parse(JSON.stringify(transform.config)) as object as never,
      );
      assert.deepEqual(again.config, transform.config);
      assert.deepEqual(again.apply(square, Random.fromSeed(7)), made[7]);
      const grey: Picture = { data: square.data.slice(0, 1024), shape: [1, 32, 32] };
      assert.equal(transform.apply(grey, Random.fromSeed(3)).data.length, 1024);
    });
  }

  it('randomErasing erases a rectangle of a share within the range, every second time', () => {
    const white: Picture = { data: new Uint8Array(3 * 40 * 40).fill(255), shape: [3, 40, 40] };
    const erasing = randomErasing({ scale: [0.1, 0.2], value: 9 });
    const shares = Array.from({ length: 200 }, (_, seed) => {
      const { data } = erasing.apply(white, Random.fromSeed(seed));
      const planes = [0, 1, 2].map((channel) => data.subarray(channel * 1600, (channel + 1) * 1600));
      assert.deepEqual(planes[1], planes[0]);
      assert.deepEqual(planes[2], planes[0]);
      const rows = new Set<number>();
      const columns = new Set<number>();
      let erased = 0;
      planes[0].forEach((level, i) => {
        if (level === 255) return;
        assert.equal(level, 9);
        rows.add(Math.floor(i / 40));
        columns.add(i % 40);
        erased++;
      });
      assert.equal(erased, rows.size * columns.size);
      return erased / 1600;
    });
    const changed = shares.filter((share) => share > 0);
    assert.ok(changed.length > 70 && changed.length < 130, `${changed.length} of 200`);
    assert.ok(
      changed.every((share) => share > 0.08 && share < 0.23),
      changed.join(),
    );
  });

  it('options out of range are refused, wherever they come from', () => {
    const wrong: readonly (() => unknown)[] = [
      () => colorJitter({ hue: 0.6 }),
      () => colorJitter({ brightness: -1 }),
      () => colorJitter({ contrast: NaN }),
      () => randomErasing({ probability: 1.1 }),
      () => randomErasing({ scale: [0.5, 0.1] }),
      () => randomErasing({ value: 256 }),
      () => randAugment({ magnitude: 31 }),
      () => randAugment({ operations: 0 }),
      () => createImageTransform('randAugment', { magnitude: '9' }),
      () => createImageTransform('colorJitter', { sharpness: 1 }),
      () => createImageTransform('randomErasing', { value: 'red' }),
    ];
    for (const make of wrong) assert.throws(make, RangeError, String(make));
  });
});
