import { element, show } from './elements';

/** Takes recordings that are chosen, or dropped anywhere on the page. */
export function takeFiles(taken: (file: File) => void): void {
  const input = element<HTMLInputElement>('file');
  element('choose').addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    input.value = ''; // the same file may be chosen again
    if (file) taken(file);
  });

  const veil = element('drop');
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
  document.addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(true, veil);
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) show(false, veil); // it left the window
  });
  document.addEventListener('drop', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(false, veil);
    const file = event.dataTransfer?.files[0];
    if (file) taken(file);
  });
}
