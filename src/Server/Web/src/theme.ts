import { element } from './elements';

// The system's colours, unless the reader has chosen others.

type Theme = 'light' | 'dark';

const storageName = 'handwritten-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const button = element<HTMLButtonElement>('theme');
const watchers: (() => void)[] = [];

const chosen = (): Theme | null => localStorage.getItem(storageName) as Theme | null;

export const theme = (): Theme => chosen() ?? (system.matches ? 'dark' : 'light');

/** Calls back when the colours have changed: pictures must be drawn anew. */
export const watchTheme = (watcher: () => void): void => { watchers.push(watcher); };

/** A colour of the style sheet. */
export const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function apply(): void {
  const own = chosen();
  if (own === null) delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = own;
  button.textContent = theme() === 'dark' ? 'Light' : 'Dark';
  button.setAttribute('aria-label', theme() === 'dark' ? 'Light colours' : 'Dark colours');
  for (const watcher of watchers) watcher();
}

button.addEventListener('click', () => {
  localStorage.setItem(storageName, theme() === 'dark' ? 'light' : 'dark');
  apply();
});
system.addEventListener('change', apply);
apply();
