/** Text for XML (SVG, and the markup of Pango): special characters escaped, forbidden ones replaced. */
export function escapeMarkup(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/(?!\n)[\p{Cc}\p{Surrogate}\uFFFE\uFFFF]/gu, '\uFFFD');
}
