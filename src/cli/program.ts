/** The command line: commands, flags, help. */
import { Command, Option } from 'commander';
import { type CheckFlags, check } from './check.js';
import { type CompareFlags, addCompareFlags, compare } from './compare.js';
import { addFineTuningFlags } from './fine-tuning.js';
import { evaluate, type EvalFlags } from './eval.js';
import { type FindRateFlags, addFindRateFlags, findRate } from './find-lr.js';
import { exportModel, type ExportFlags } from './export.js';
import { type InspectFlags, inspect } from './inspect.js';
import { type LookFlags, look } from './look.js';
import { listModels } from './models.js';
import { type PredictFlags, predict } from './predict.js';
import type { MpiGroup } from '../mpi/mpi-group.js';
import { STUDIO_PORT, type StudioFlags, studio } from './studio.js';
import { UsageError } from './errors.js';
import { type TableFlags, table } from './table.js';
import { isMuted, note } from './terminal.js';
import { train } from './train.js';
import {
  type TrainFlags,
  addDataFlags,
  addMixingFlags,
  addTrainFlags,
  batchNormOption,
  batchSizeOption,
  headOption,
  cacheSizeOption,
  dataDirOption,
  dataOption,
  deviceOption,
  jsonOption,
  threadsOption,
  workersOption,
} from './train-flags.js';
import { lambdaValue, number, whole } from './values.js';
import { packageVersion } from './version.js';

const RUN =
  "a run's folder (its best checkpoint where validation images chose one, else its last), or a checkpoint file";

/**
 * @param exitWith called with the exit code of a command that ran
 * @param group where this process is one of several
 */
export function createProgram(exitWith: (code: number) => void, group?: MpiGroup): Command {
  const program = new Command('tract')
    .description('Train vision models in fewer epochs, with TrAct.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showSuggestionAfterError()
    .exitOverride()
    .hook('preAction', (_, action) => {
      if (group && action.name() !== 'train') {
        throw new UsageError(
          `tract ${action.name()} runs in one process, not in the ${group.size} that a launcher of MPI started`,
        );
      }
    })
    .configureOutput({
      ...(isMuted() && { writeOut: () => undefined }),
      // Commander sets its guess on a line of its own; an error is one sentence here.
      outputError: (text) => {
        const line = text.trim().replace(/\s*\n\s*/g, ' ');
        note(line.startsWith('error:') ? line : `error: ${line}`);
      },
    })
    .addHelpText(
      'after',
      examples([
        'tract train --tract',
        'tract predict runs/shapes-resnet18-tract photo.jpg',
        'tract train --help',
      ]),
    );
  addTrain(program, exitWith, group);
  addCompare(program, exitWith);
  addTable(program);
  addFindRate(program, exitWith);
  addEval(program);
  addPredict(program, exitWith);
  addExport(program);
  addInspect(program);
  addCheck(program, exitWith);
  addLook(program, exitWith);
  addStudio(program);
  program
    .command('models')
    .description('list the models')
    .addOption(jsonOption())
    .action((flags: { json?: boolean }) => {
      listModels(flags);
    });
  return program;
}

function addTrain(program: Command, exitWith: (code: number) => void, group: MpiGroup | undefined): void {
  const command = program
    .command('train')
    .summary('train a model')
    .description(
      'Train a model. The run is kept in a folder: config.json, metrics.jsonl, metrics.csv, event files for TensorBoard, last.safetensors, and when it is over report.html; with --validation also best.safetensors, the epoch that was best on the validation images, which is tested at the end. Without it the curves are on the test images, and the last epoch is what is kept. Ctrl-C finishes the step and saves.',
    );
  addFineTuningFlags(addTrainFlags(command))
    .optionsGroup('Run:')
    .option(
      '--no-report',
      'keep nothing but what it takes to go on and to use the model: no report.html and evaluation.json, which take one more look at the test images, no metrics.csv, no files for TensorBoard',
    )
    .addHelpText(
      'after',
      examples([
        'tract train --width 16 --tract --epochs 3',
        'tract train --data cifar10 --tract --epochs 5 --out runs/cifar',
        'tract train --data cifar10 --validation 0.1 --epochs 20 --out runs/chosen',
        'tract train --data cifar10 --model vit --optimizer adam --tract 0.1 --warmup 500',
        'tract train --resume runs/cifar',
        'tract train --resume runs/cifar --epochs 10',
        'mpirun -n 4 tract train --data cifar10 --tract --out runs/cifar',
        'tract train --data cifar10 --model net.onnx --tract --lr 0.01',
        'tract train --data cifar10 --model net.onnx --stages head:3,all:7:lr-factor=0.1',
        'tract train --data cifar100 --json > log.jsonl',
        'tract train --data photos --image-size 128 --tract',
      ]),
    )
    .action(async (flags: TrainFlags) => {
      exitWith(await train(flags, command, group));
    });
}

function addCompare(program: Command, exitWith: (code: number) => void): void {
  const command = program
    .command('compare')
    .summary('show how much faster TrAct trains')
    .description(
      'Train the same model from the same initial weights on the same batches, once with each method and seed, and report how many steps each took to reach the same accuracy: report.html, results.json and plots. A finished run is never repeated: the same command goes on after an interruption, and takes in more seeds or methods.',
    );
  addCompareFlags(command)
    .addHelpText(
      'after',
      examples([
        'tract compare --width 16 --epochs 3 --seeds 0',
        'tract compare --data cifar10 --width 16 --epochs 5 --out runs/cifar',
        'tract compare --width 16 --grid lr=0.02,0.04,0.08 --validation 0.1 --seeds 0,1,2,3,4,5 --stop-when 0.5',
        'tract compare --lambda 0.05,0.1,0.2,relative:0.1',
        'tract compare --methods vanilla,tract,patch-norm,whitening --limit-train 10000',
        'tract compare --model vit --optimizer adam --methods vanilla,tract,dual-patch-norm',
      ]),
    )
    .action(async (flags: CompareFlags) => {
      exitWith(await compare(flags, command));
    });
}

function addCheck(program: Command, exitWith: (code: number) => void): void {
  program
    .command('check')
    .summary('say what is in an .onnx file, and whether it can be trained')
    .description(
      'Say what is in an .onnx file of any program, and whether it can be trained: its operators and all of those that cannot be read or have no gradient, parameters, head, the layer that TrAct takes, arithmetic and memory.',
    )
    .argument('<model.onnx>', 'the file')
    .addOption(new Option('--classes <number>', 'as it would be with this many classes').argParser(whole(1)))
    .addOption(headOption())
    .addOption(batchNormOption())
    .addOption(
      new Option('--image-size <pixels>', 'height and width, where the file leaves them open').argParser(
        whole(1),
      ),
    )
    .option('--output <name>', 'the output that holds the logits')
    .addOption(jsonOption())
    .addHelpText('after', examples(['tract check mobilenet.onnx', 'tract check vit.onnx --classes 5 --json']))
    .action(async (path: string, flags: CheckFlags) => {
      exitWith(await check(path, flags));
    });
}

function addTable(program: Command): void {
  program
    .command('table')
    .summary('lay finished comparisons beside each other')
    .description(
      'Print one table of several finished comparisons: a row for each method of each, with its accuracy, its difference to the first method of its comparison, and its speed-up.',
    )
    .argument('<folder...>', 'folders of comparisons, as tract compare made them')
    .option('--markdown', 'as a table in Markdown')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(['tract table runs/compare-*', 'tract table runs/sgd runs/adam --markdown']),
    )
    .action(async (folders: string[], flags: TableFlags) => {
      await table(folders, flags);
    });
}

function addFindRate(program: Command, exitWith: (code: number) => void): void {
  const command = program
    .command('find-lr')
    .summary('find a learning rate by short runs')
    .description(
      'Train for a few steps at each of several learning rates, from the same weights on the same batches, and suggest the one that has come furthest, with its reason: a table, find-lr.svg and find-lr.json. Test images are not looked at. Short runs favour high rates less than long ones do: take it as the highest rate of a schedule, and as a place to begin.',
    );
  addFindRateFlags(command)
    .addHelpText(
      'after',
      examples([
        'tract find-lr --tract --width 16',
        'tract find-lr --data cifar10 --model vit --optimizer adamw --warmup 10',
        'tract find-lr --rates 0.01,0.03,0.1,0.3 --steps 60 --out rates',
      ]),
    )
    .action(async (flags: FindRateFlags) => {
      exitWith(await findRate(flags, command));
    });
}

function addInspect(program: Command): void {
  program
    .command('inspect')
    .summary("draw a run's first layer")
    .description(
      "Draw the first layer's filters, and how far one update would move each image of a batch, under vanilla training and under TrAct.",
    )
    .argument('<run>', RUN)
    .option('--data <folder>', 'where the pictures of its folder are now (default: where they were)')
    .addOption(dataDirOption())
    .addOption(
      new Option('--lambda <value>', "lambda of TrAct (default: the run's own, else 0.1)").argParser(
        lambdaValue,
      ),
    )
    .option('--out <folder>', "where to draw (default: inspect in the run's folder)")
    .addOption(deviceOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(['tract inspect runs/cifar', 'tract inspect runs/cifar --lambda relative:0.1']),
    )
    .action(async (run: string, flags: InspectFlags) => {
      await inspect(run, flags);
    });
}

function addLook(program: Command, exitWith: (code: number) => void): void {
  const command = program
    .command('look')
    .summary('draw what a model will see of the data')
    .description(
      'Look at data before training: what should be seen to (files that cannot be read, pictures that are there twice or in two splits, small classes), and a page with the first batch of a run as the model gets it, and pictures as they are evaluated.',
    );
  addMixingFlags(addDataFlags(command))
    .addOption(batchSizeOption())
    .addOption(new Option('--seed <number>', 'of the run').argParser(whole(0)).default(0))
    .addOption(
      new Option('--pictures <number>', 'how many are drawn of each kind').argParser(whole(1)).default(48),
    )
    .option('--out <file>', 'the .html file (default: look-<data>.html)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples([
        'tract look --data photos',
        'tract look --data cifar10 --rand-augment --cutmix 1 --out look.html',
      ]),
    )
    .action(async (flags: LookFlags) => {
      exitWith(await look(flags));
    });
}

function addStudio(program: Command): void {
  program
    .command('studio')
    .summary('train on your own pictures in a browser tab')
    .description(
      'Open the Studio: a page that trains on your own pictures in a browser tab, and shows TrAct against vanilla training as it happens. It is served to this machine alone, and nothing is uploaded.',
    )
    .addOption(
      new Option(
        '--port <number>',
        'where it is served; pictures and runs are kept by address, port included',
      )
        .argParser(
          number(
            'a whole number from 0 to 65535',
            (port) => Number.isInteger(port) && port >= 0 && port <= 65_535,
          ),
        )
        .default(STUDIO_PORT),
    )
    .option('--no-open', 'do not open it in the browser')
    .addHelpText('after', examples(['tract studio', 'tract studio --port 8080 --no-open']))
    .action(async (flags: StudioFlags) => {
      await studio(flags);
    });
}

function addEval(program: Command): void {
  program
    .command('eval')
    .summary('measure loss and accuracy')
    .description('Measure loss and accuracy on the test images.')
    .argument('<run>', RUN)
    .addOption(dataOption().default(undefined, "the run's own"))
    .addOption(dataDirOption())
    .addOption(
      new Option(
        '--limit-test <images>',
        'use the first images only; of a folder, some of every class',
      ).argParser(whole(1)),
    )
    .addOption(
      new Option('--batch-size <images>', "images at once (default: the run's own, 128 at most)").argParser(
        whole(1),
      ),
    )
    .addOption(workersOption())
    .addOption(cacheSizeOption())
    .option(
      '--report [file]',
      "write a page: curves, confusion matrix, precision, recall and F1 by class, the worst mistakes, what the model saw (default: report.html in the run's folder)",
    )
    .option('--logits <file>', 'write logits [images, classes] and labels to a safetensors file')
    .addOption(deviceOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples([
        'tract eval runs/cifar',
        'tract eval runs/cifar --report',
        'tract eval runs/cifar/last.safetensors --json',
        'tract eval runs/photos --data more-photos',
      ]),
    )
    .action(async (run: string, flags: EvalFlags) => {
      await evaluate(run, flags);
    });
}

function addPredict(program: Command, exitWith: (code: number) => void): void {
  program
    .command('predict')
    .summary('say what is in images')
    .description('Say what is in images: the most probable classes of each.')
    .argument('<run>', RUN)
    .argument('<image...>', 'JPEG, PNG, WebP, GIF, AVIF or TIFF files of any size, or folders of them')
    .addOption(new Option('--top <number>', 'how many classes').argParser(whole(1)).default(5))
    .addOption(deviceOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(['tract predict runs/cifar cat.jpg dog.png', 'tract predict runs/cifar photos --json']),
    )
    .action(async (run: string, images: string[], flags: PredictFlags) => {
      exitWith(await predict(run, images, flags));
    });
}

function addExport(program: Command): void {
  program
    .command('export')
    .description(
      'Write a trained model as an .onnx file that takes pixels, for ONNX Runtime in any language. A model out of an .onnx file is given back as it came: with the same input and output, and standardised images in, unless --with-preprocessing is given.',
    )
    .argument('<run>', RUN)
    .option('--out <file>', "the .onnx file (default: model.onnx or training-step.onnx in the run's folder)")
    .addOption(
      new Option(
        '--batch-size <images>',
        "images at once (default: any number of them; of a training step the run's)",
      ).argParser(whole(1)),
    )
    .option(
      '--with-preprocessing',
      'take pictures of any height and width (RGB, 0 to 255, channels first), and resize them as the run did in evaluation, and standardise them, inside',
    )
    .option(
      '--training-step',
      'write the whole step that trains it in place of the model (forward, backward, TrAct, optimizer), for ONNX Runtime in any language, and beside it what it goes on from as .safetensors',
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples([
        'tract export runs/cifar',
        'tract export runs/cifar --out model.onnx --batch-size 1',
        'tract export runs/photos --with-preprocessing',
        'tract export runs/cifar --training-step --batch-size 32',
      ]),
    )
    .action(async (run: string, flags: ExportFlags) => {
      await exportModel(run, flags);
    });
}

function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}
