/** What is known of the command's datasets before they are read. */
export const datasetNames = ['shapes', 'cifar10', 'cifar100'] as const;
export type DatasetName = (typeof datasetNames)[number];

/** The number of classes, and height and width of the images in pixels. */
export const datasetFacts: Readonly<Record<DatasetName, { classes: number; imageSize: number }>> = {
  shapes: { classes: 10, imageSize: 32 },
  cifar10: { classes: 10, imageSize: 32 },
  cifar100: { classes: 100, imageSize: 32 },
};

/** What `--data` takes. */
export const dataWords = `${datasetNames.join(', ')}, or a folder of pictures or a table of them (.csv)`;

/** A name from a file, where the compiler has not seen it. */
export function isDatasetName(name: string): name is DatasetName {
  return (datasetNames as readonly string[]).includes(name);
}
