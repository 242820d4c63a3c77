/** Small pieces that the page is made of. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

/** A control with its name and a sentence about it. */
export function Field({
  label,
  hint,
  children,
}: {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly children: (ids: {
    readonly id: string;
    readonly 'aria-describedby'?: string;
  }) => ComponentChildren;
}) {
  const id = useId();
  const describedBy = `${id}-hint`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, ...(hint !== undefined && { 'aria-describedby': describedBy }) })}
      {hint !== undefined && (
        <p class="hint" id={describedBy}>
          {hint}
        </p>
      )}
    </div>
  );
}

export function Choice<T extends string | number>({
  label,
  hint,
  value,
  options,
  onChange,
}: {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly value: T;
  readonly options: readonly (readonly [value: T, label: string])[];
  readonly onChange: (value: T) => void;
}) {
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <select
          {...ids}
          value={String(value)}
          onChange={({ currentTarget }) => {
            onChange(options[currentTarget.selectedIndex][0]);
          }}
        >
          {options.map(([option, text]) => (
            <option key={option} value={String(option)} selected={option === value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** A number that is taken over when it is one in the range. */
export function NumberField({
  label,
  hint,
  value,
  least,
  most,
  whole = false,
  onChange,
}: {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
  readonly onChange: (value: number) => void;
}) {
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <input
          {...ids}
          type="number"
          min={least}
          max={most}
          step={whole ? 1 : 'any'}
          value={value}
          onChange={({ currentTarget }) => {
            const given = currentTarget.valueAsNumber;
            const fits = given >= least && given <= most && (!whole || Number.isInteger(given));
            if (fits) onChange(given);
            else {
              currentTarget.setCustomValidity(
                `Give a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`,
              );
              currentTarget.reportValidity();
              currentTarget.setCustomValidity('');
              currentTarget.value = String(value);
            }
          }}
        />
      )}
    </Field>
  );
}

export function Check({
  label,
  hint,
  checked,
  onChange,
}: {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <div class="check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={({ currentTarget }) => {
          onChange(currentTarget.checked);
        }}
      />
      <div>
        <label for={id}>{label}</label>
        {hint !== undefined && (
          <p class="hint" id={`${id}-hint`}>
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}

/** A button that opens the system's file chooser. */
export function FileButton({
  children,
  accept,
  multiple = false,
  folder = false,
  primary = false,
  onFiles,
  label,
}: {
  readonly children: ComponentChildren;
  readonly accept?: string;
  readonly multiple?: boolean;
  readonly folder?: boolean;
  readonly primary?: boolean;
  readonly onFiles: (files: readonly File[]) => void;
  readonly label?: string;
}) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (folder) input.current!.setAttribute('webkitdirectory', '');
  }, [folder]);
  return (
    <>
      <button
        type="button"
        class={primary ? 'primary' : ''}
        aria-label={label}
        onClick={() => {
          input.current!.click();
        }}
      >
        {children}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        accept={accept}
        multiple={multiple || folder}
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])];
          currentTarget.value = '';
          onFiles(files);
        }}
      />
    </>
  );
}

/** The beginning of a step: its name, and a sentence about it. */
export function Hero({
  title,
  lead,
  children,
}: {
  readonly title: string;
  readonly lead?: ComponentChildren;
  readonly children?: ComponentChildren;
}) {
  return (
    <section class="hero">
      <h1>{title}</h1>
      {lead !== undefined && <p class="lead">{lead}</p>}
      {children}
    </section>
  );
}

/** What is being done, while one waits for it. */
export function Busy({ children }: { readonly children: ComponentChildren }) {
  return (
    <p class="working" role="status">
      <span class="pulse" aria-hidden="true" /> {children}
    </p>
  );
}

/** What went wrong, and what to do. */
export function Problem({ children }: { readonly children: ComponentChildren }) {
  return (
    <p class="problem" role="alert">
      {children}
    </p>
  );
}

/** Leads through pages; nothing where there is one. */
export function Pager({
  page,
  pages,
  onChange,
}: {
  /** The first is 0. */
  readonly page: number;
  readonly pages: number;
  readonly onChange: (page: number) => void;
}) {
  if (pages <= 1) return null;
  return (
    <nav class="buttons" aria-label="Pages">
      <button
        type="button"
        disabled={page === 0}
        onClick={() => {
          onChange(page - 1);
        }}
      >
        Before
      </button>
      <span>
        Page {page + 1} of {pages}
      </span>
      <button
        type="button"
        disabled={page === pages - 1}
        onClick={() => {
          onChange(page + 1);
        }}
      >
        Next
      </button>
    </nav>
  );
}

/** A dialog over the page; the keyboard stays in it until it is closed. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    dialog.current!.showModal();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            dialog.current!.close();
          }}
        >
          Close
        </button>
      </header>
      {children}
    </dialog>
  );
}

/** Of a loss: three digits behind the point, or, of one that explodes, three altogether. */
export function lossFigure(loss: number | undefined): string {
  if (loss === undefined) return '–';
  return loss < 1000 ? loss.toFixed(3) : loss.toPrecision(3);
}

export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;

/** A time as people say it. */
export function duration(seconds: number): string {
  if (seconds < 1) return 'less than a second';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** Saves a file as the browser saves downloads. */
export function download(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then, and holds the file itself.
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 60_000);
}
