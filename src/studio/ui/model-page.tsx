/** The second step: what is trained, and how. */
import { imageSizes, modelKinds, settingsFor, studioOptimizers, usualRates } from '../settings.js';
import { EngineSetting } from './engine.js';
import { GoOn } from './go-on.js';
import { Check, Choice, Field, FileButton, NumberField } from './parts.js';
import {
  attempt,
  change,
  count,
  dataKind,
  modelFile,
  settings,
  trainImages,
  useModelFile,
  useWeightsFile,
  weightsFile,
} from './state.js';

export function ModelPage() {
  const { model, racing, batchSize, epochs } = settings.value;
  const steps = Math.floor(trainImages.value / batchSize) * epochs;
  return (
    <>
      <h1>Model</h1>
      <p class="lead">The defaults are good ones. Choose a model and whether to race, or go straight on.</p>
      <fieldset class="cards">
        <legend>Model</legend>
        {modelKinds.map(({ kind, label, about, width, optimizer }) => (
          <Card
            key={kind}
            group="model"
            {...{ label, about }}
            chosen={model === kind}
            onChoose={() => {
              const next = { ...settings.value, model: kind, width, optimizer };
              change({ model: kind, width, optimizer, ...settingsFor(next, trainImages.value) });
            }}
          />
        ))}
        <Card
          group="model"
          label="From a file"
          about="An .onnx file of a classifier, as PyTorch writes it, trained further from its weights."
          chosen={model === 'file'}
          onChoose={() => {
            change({ model: 'file' });
          }}
        />
      </fieldset>
      {model === 'file' && <ModelFile />}
      <div class="fields">
        <Sizes />
      </div>
      <fieldset class="cards three">
        <legend>Method</legend>
        {(
          [
            [
              'race',
              'Race',
              'Vanilla and TrAct from the same weights on the same batches. Takes twice as long, shows the difference.',
            ],
            [
              'tract',
              'TrAct',
              'Trains the first layer as TrAct does: mostly fewer steps to the same accuracy.',
            ],
            ['vanilla', 'Vanilla', 'Plain training, as everywhere else.'],
          ] as const
        ).map(([value, label, about]) => (
          <Card
            key={value}
            group="method"
            {...{ label, about }}
            chosen={racing === value}
            onChoose={() => {
              change({ racing: value });
            }}
          />
        ))}
      </fieldset>
      <Optimization />
      <Augmentation />
      <Weights />
      <EngineSetting />
      <p class="plan">
        {count(epochs, 'epoch')} of {count(Math.floor(trainImages.value / batchSize), 'step')}:{' '}
        <b>{count(steps, 'step')}</b> of {count(batchSize, 'picture')}.
      </p>
      <GoOn to="train">On to training</GoOn>
    </>
  );
}

/** One of several that exclude each other. */
function Card({
  group,
  label,
  about,
  chosen,
  onChoose,
}: {
  readonly group: string;
  readonly label: string;
  readonly about: string;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}) {
  return (
    <label class={`card ${chosen ? 'chosen' : ''}`}>
      <input type="radio" name={group} checked={chosen} onChange={onChoose} />
      <b>{label}</b>
      <span class="muted">{about}</span>
    </label>
  );
}

function ModelFile() {
  const file = modelFile.value;
  return (
    <p class="file-line">
      <FileButton
        accept=".onnx"
        onFiles={(files) => {
          void attempt(async () => {
            for (const one of files) await useModelFile(one);
          });
        }}
      >
        {file ? 'Choose another .onnx file' : 'Choose an .onnx file'}
      </FileButton>{' '}
      {file ? (
        <b>{file.name}</b>
      ) : (
        <span class="muted">Its head is replaced where it is of other classes.</span>
      )}
    </p>
  );
}

function Sizes() {
  const { model, width, imageSize } = settings.value;
  const kind = modelKinds.find((one) => one.kind === model);
  return (
    <>
      {kind && (
        <Choice
          label="Width"
          hint="Features of the network. Wider learns more, and takes longer."
          value={width}
          options={kind.widths.map((one) => [one, String(one)] as const)}
          onChange={(value) => {
            change({ width: value });
          }}
        />
      )}
      {dataKind.value !== 'shapes' && (
        <Choice
          label="Picture size"
          hint="Pictures are scaled to cover a square of this side. Twice the side takes four times as long."
          value={imageSize}
          options={imageSizes.map((one) => [one, `${one} × ${one} pixels`] as const)}
          onChange={(value) => {
            change({ imageSize: value });
          }}
        />
      )}
      <NumberField
        label="Epochs"
        hint="How often every training picture is seen."
        value={settings.value.epochs}
        least={1}
        most={1000}
        whole
        onChange={(value) => {
          change({ epochs: value });
        }}
      />
    </>
  );
}

function Optimization() {
  const {
    racing,
    lambda,
    optimizer,
    learningRate,
    weightDecay,
    schedule,
    warmup,
    batchSize,
    seed,
    labelSmoothing,
  } = settings.value;
  return (
    <details>
      <summary>Optimizer, schedule and λ</summary>
      <div class="fields">
        {racing !== 'vanilla' && (
          <NumberField
            label="λ of TrAct"
            hint="TrAct’s only parameter: how much of the plain gradient stays. 0.1 suits nearly everything."
            value={lambda}
            least={0.0001}
            most={100}
            onChange={(value) => {
              change({ lambda: value });
            }}
          />
        )}
        <Choice
          label="Optimizer"
          hint="How gradients become updates. SGD for convolutions, Adam for transformers."
          value={optimizer}
          options={studioOptimizers.map(
            (one) =>
              [one, { sgd: 'SGD with momentum', adam: 'Adam', adamw: 'AdamW', lion: 'Lion' }[one]] as const,
          )}
          onChange={(value) => {
            change({ optimizer: value, learningRate: usualRates[value] * (batchSize / 128) });
          }}
        />
        <NumberField
          label="Learning rate"
          hint="The highest of the run. If training diverges, make it smaller."
          value={learningRate}
          least={0}
          most={10}
          onChange={(value) => {
            change({ learningRate: value });
          }}
        />
        <Choice
          label="Schedule"
          hint="How the rate changes over the run. Cosine ends at zero, which nearly always helps."
          value={schedule}
          options={
            [
              ['cosine', 'Cosine'],
              ['linear', 'Linear'],
              ['constant', 'Constant'],
              ['one-cycle', 'One cycle'],
            ] as const
          }
          onChange={(value) => {
            change({ schedule: value });
          }}
        />
        {schedule !== 'one-cycle' && (
          <NumberField
            label="Warm-up"
            hint="Steps in which the rate grows from zero: helps where the first steps go wrong."
            value={warmup}
            least={0}
            most={100000}
            whole
            onChange={(value) => {
              change({ warmup: value });
            }}
          />
        )}
        <NumberField
          label="Batch size"
          hint="Pictures of one step. TrAct likes large ones."
          value={batchSize}
          least={2}
          most={512}
          whole
          onChange={(value) => {
            change({ batchSize: value });
          }}
        />
        <NumberField
          label="Weight decay"
          hint="Pulls weights towards zero, against learning by heart. 0.0005 is usual for long runs."
          value={weightDecay}
          least={0}
          most={1}
          onChange={(value) => {
            change({ weightDecay: value });
          }}
        />
        <NumberField
          label="Label smoothing"
          hint="Asks for a little less than certainty: 0.1 helps long runs."
          value={labelSmoothing}
          least={0}
          most={0.9}
          onChange={(value) => {
            change({ labelSmoothing: value });
          }}
        />
        <NumberField
          label="Seed"
          hint="Of first weights, order and augmentation: the same seed gives the same run, bit for bit."
          value={seed}
          least={0}
          most={1e9}
          whole
          onChange={(value) => {
            change({ seed: value });
          }}
        />
      </div>
    </details>
  );
}

function Augmentation() {
  const { crop, flip, colorJitter, randAugment, randomErasing, mixup } = settings.value;
  const checks = [
    ['crop', crop, 'Shift or crop', 'Shows another part of the picture each time.'],
    ['flip', flip, 'Mirror', 'Half of the time. Not for letters, or left and right hands.'],
    [
      'colorJitter',
      colorJitter,
      'Vary colours',
      'Brightness, contrast, saturation and hue: for other light and cameras.',
    ],
    [
      'randAugment',
      randAugment,
      'RandAugment',
      'Two random changes a picture, of fourteen kinds: for long runs.',
    ],
    [
      'randomErasing',
      randomErasing,
      'Random erasing',
      'Covers a rectangle: what is half hidden is learned, too.',
    ],
    ['mixup', mixup, 'Mixup', 'Lays pictures over each other, and their labels: against too much certainty.'],
  ] as const;
  return (
    <details>
      <summary>Augmentation: how pictures are varied</summary>
      <div class="checks">
        {checks.map(([key, checked, label, hint]) => (
          <Check
            key={key}
            label={label}
            hint={hint}
            checked={checked}
            onChange={(value) => {
              change({ [key]: value });
            }}
          />
        ))}
      </div>
    </details>
  );
}

function Weights() {
  const file = weightsFile.value;
  return (
    <details open={file !== null}>
      <summary>Start from weights</summary>
      <Field
        label="A safetensors file"
        hint="With PyTorch’s names, such as last.safetensors of a run. What fits by name and shape is taken, a head of other classes begins anew."
      >
        {({ id }) => (
          <p class="file-line" id={id}>
            <FileButton
              accept=".safetensors"
              onFiles={(files) => {
                void attempt(async () => {
                  for (const one of files) await useWeightsFile(one);
                });
              }}
            >
              Choose a file
            </FileButton>{' '}
            {file && (
              <>
                <b>{file.name}</b>{' '}
                <button
                  type="button"
                  class="quiet"
                  onClick={() => {
                    weightsFile.value = null;
                  }}
                >
                  Take it out
                </button>
              </>
            )}
          </p>
        )}
      </Field>
    </details>
  );
}
