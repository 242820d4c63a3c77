/** Mean and deviation of the pixels of a dataset. */
import { Random } from '../random/random.js';
import type { ImageShape, Images } from './image-source.js';
import type { ImageTransform } from './image-transform.js';
import { eachPicture, transformed } from './pictures.js';

/**
 * Mean and standard deviation of each channel over all pixels of all images, scaled to [0, 1]. One image is in memory
 * at a time; sums are whole numbers, and in float64 exact up to 10^11 pixels.
 *
 * A channel that is the same everywhere has the deviation 1: its standardised pixels are then 0.
 *
 * @param preprocessing what images go through first
 * @throws DataError naming an image that cannot be read
 */
export async function pixelStatistics(
  images: Images,
  shape: ImageShape,
  preprocessing: readonly ImageTransform[] = [],
): Promise<{ mean: number[]; deviation: number[] }> {
  const channels = shape[0];
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  let pixels = 0;
  const random = Random.fromSeed(0, 'statistics');
  await eachPicture(images, shape, (picture) => {
    const { data } = transformed(picture, preprocessing, random);
    const area = data.length / channels;
    pixels += area;
    for (let channel = 0; channel < channels; channel++) {
      let [sum, square] = [0, 0];
      for (let i = channel * area; i < (channel + 1) * area; i++) {
        sum += data[i];
        square += data[i] * data[i];
      }
      sums[channel] += sum;
      squares[channel] += square;
    }
  });
  const mean = Array.from(sums, (sum) => sum / pixels / 255);
  const deviation = Array.from(squares, (square, channel) => {
    // Of whole numbers, so that equal pixels give exactly 0.
    const variance = (square - (sums[channel] * sums[channel]) / pixels) / pixels;
    return variance > 0 ? Math.sqrt(variance) / 255 : 1;
  });
  return { mean, deviation };
}
