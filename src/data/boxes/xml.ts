import { SaxesParser } from 'saxes';

/** An element of an XML text, without its attributes. */
export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** The text between its children, together. */
  readonly text: string;
}

const DEEPEST = 64;

interface Open {
  readonly name: string;
  readonly children: Open[];
  text: string;
}

/**
 * The root element of a well-formed XML text. Entities that it declares are none: an XML is refused where it uses them.
 * Throws RangeError, with the place, for any other text.
 */
export function parseXml(text: string): XmlElement {
  const open: Open[] = [{ name: '', children: [], text: '' }];
  const parser = new SaxesParser();
  parser.on('error', ({ message }) => {
    throw new RangeError(`the XML must be well-formed, got a fault at line:column ${message}`);
  });
  parser.on('opentag', ({ name }) => {
    if (open.length > DEEPEST)
      throw new RangeError(`the XML must be nested at most ${DEEPEST} deep, got more`);
    const element: Open = { name, children: [], text: '' };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('text', (part) => {
    open.at(-1)!.text += part;
  });
  parser.on('cdata', (part) => {
    open.at(-1)!.text += part;
  });
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(text).close();
  return open[0]!.children[0]!;
}
