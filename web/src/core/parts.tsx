// Parts of pages that bring no words of their own.
import type { ComponentChildren, JSX } from 'preact';
import { Component } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { errorWord, getLang, setLang } from './lang';

/** What is shown when a page itself fails, until another address is gone to. */
export class Guard extends Component<{ at: string; failed: (error: Error) => ComponentChildren; children: ComponentChildren }, { error: Error | null }> {
  state = { error: null as Error | null };
  componentDidCatch(error: Error) {
    console.error(error);
    this.setState({ error });
  }
  componentDidUpdate(before: { at: string }) {
    if (before.at !== this.props.at && this.state.error) this.setState({ error: null });
  }
  render() {
    return this.state.error ? this.props.failed(this.state.error) : this.props.children;
  }
}

/** The star of a bronze drum. */
export function Mark() {
  return (
    <svg viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <circle cx="32" cy="32" r="29" fill="none" stroke="#e7b93f" stroke-width="2.4" />
      <circle cx="32" cy="32" r="23.5" fill="none" stroke="#e7b93f" stroke-width="1.8" stroke-dasharray="2.4 2.8" />
      <path fill="#e7b93f" d="M32 14L34.1 24.6 41 16.4 37.5 26.5 47.6 23 39.4 29.9 50 32 39.4 34.1 47.6 41 37.5 37.5 41 47.6 34.1 39.4 32 50 29.9 39.4 23 47.6 26.5 37.5 16.4 41 24.6 34.1 14 32 24.6 29.9 16.4 23 26.5 26.5 23 16.4 29.9 24.6Z" />
    </svg>
  );
}

export function LanguageSwitch() {
  const other = getLang() === 'vi' ? 'en' : 'vi';
  return (
    <button type="button" class="plain" lang={other} onClick={() => setLang(other)}>
      {other === 'en' ? 'English' : 'Tiếng Việt'}
    </button>
  );
}

export function Field(props: { id?: string; label: string; hint?: string; error?: string; wide?: boolean; children: (ids: { id: string; describedBy: string | undefined }) => ComponentChildren }) {
  const own = useId();
  const id = props.id ?? own;
  const describedBy = [props.hint && `${id}-hint`, props.error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  return (
    <div class={`govuk-form-group ${props.error ? 'govuk-form-group--error' : ''} ${props.wide ? 'wide' : ''}`}>
      <label class="govuk-label" for={id}>{props.label}</label>
      {props.hint && <div id={`${id}-hint`} class="govuk-hint">{props.hint}</div>}
      {props.error && <p id={`${id}-error`} class="govuk-error-message"><span class="visually-hidden">{errorWord()}: </span>{props.error}</p>}
      {props.children({ id, describedBy })}
    </div>
  );
}

type InputProps = Omit<JSX.InputHTMLAttributes<HTMLInputElement>, 'onInput' | 'label' | 'id'> & { id?: string; label: string; hint?: string; error?: string; wide?: boolean; onValue: (value: string) => void };

export function TextField({ id: given, label, hint, error, wide, onValue, class: extra, ...rest }: InputProps) {
  return (
    <Field id={given} label={label} hint={hint} error={error} wide={wide}>
      {({ id, describedBy }) => (
        <input id={id} aria-describedby={describedBy} aria-invalid={error ? true : undefined} class={`govuk-input ${error ? 'govuk-input--error' : ''} ${String(extra ?? '')}`}
          onInput={(e) => onValue(e.currentTarget.value)} {...rest} />
      )}
    </Field>
  );
}

export function SelectField(props: { label: string; hint?: string; error?: string; wide?: boolean; value: string; onValue: (value: string) => void; options: { value: string; text: string }[]; required?: boolean }) {
  return (
    <Field label={props.label} hint={props.hint} error={props.error} wide={props.wide}>
      {({ id, describedBy }) => (
        <select id={id} class="govuk-select" aria-describedby={describedBy} value={props.value} required={props.required} onChange={(e) => props.onValue(e.currentTarget.value)}>
          {props.options.map((o) => <option key={o.value} value={o.value} selected={o.value === props.value}>{o.text}</option>)}
        </select>
      )}
    </Field>
  );
}

/** Says something to screen readers without showing it. */
export function announce(text: string) {
  const region = document.getElementById('live');
  if (!region) return;
  region.textContent = '';
  setTimeout(() => (region.textContent = text), 60);
}

export function Dialog(props: { open: boolean; onClose: () => void; title: string; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current!;
    if (props.open && !dialog.open) dialog.showModal();
    if (!props.open && dialog.open) dialog.close();
  }, [props.open]);
  return (
    <dialog ref={ref} aria-labelledby={id} onClose={props.onClose} onCancel={props.onClose}>
      {props.open && (
        <>
          <h2 id={id}>{props.title}</h2>
          {props.children}
        </>
      )}
    </dialog>
  );
}
