/** What the lessons' page and the classroom say to each other: see `studio.lessons.kit`. */

export interface Knob {
  type: string;
  name: string;
  label: string;
  help: string;
  group: string;
  default: any;
  /** Of a Push: its key, and whether it is the main one. */
  key: string;
  main: boolean;
  /** Of a Choice: what can be chosen, and for each what is read and a drawing, or none. */
  options: string[];
  labels: string[];
  icons: string[];
  /** Of a Slide: its range, or the numbers it stops at. */
  minimum: number;
  maximum: number;
  step: number;
  stops: number[];
  /** Of a Write: how many lines. Of an Upload: what it accepts. */
  lines: number;
  accepts: string;
}

export interface Check {
  question: string;
  choices: string[];
  answer: number;
  why: string;
}

export interface Lesson {
  name: string;
  title: string;
  /** About how long it takes. */
  minutes: number;
  question: string;
  first: string;
  notice: string[];
  formula: string;
  code: string;
  use: string;
  credits: string[];
  tab: string;
  knobs: Knob[];
  folded: string[];
  checks: Check[];
}

/** A mark of a figure; what it has depends on which `mark` it is: see `studio.lessons.kit.scene`. */
export interface Mark {
  mark: string;
  [field: string]: any;
}

export interface Figure {
  name: string;
  title: string;
  text: string;
  clicks: string;
  wide: boolean;
  rows: number;
  aspect: number;
  axes: boolean;
  draws: boolean;
  hovers: boolean;
  x: [number, number];
  y: [number, number];
  x_label: string;
  y_label: string;
  marks: Mark[];
}

export interface Table {
  title: string;
  columns: string[];
  rows: string[][];
  chosen: number | null;
}

export interface Sound {
  pitch: number;
  seconds: number;
  after: number;
  loudness: number;
  timbre: OscillatorType;
}

/** A file that a lesson hands out; content in base64. */
export interface HandedFile {
  name: string;
  kind: string;
  content: string;
}

export interface Visit {
  tab: string;
  settings: Record<string, any>;
  network: HandedFile | null;
  layers: string[];
}

export interface Scene {
  says: string;
  mood: string;
  numbers: Record<string, string>;
  figures: Figure[];
  tables: Table[];
  sounds: Sound[];
  files: HandedFile[];
  values: Record<string, any>;
  away: string[];
  columns: number[];
  playing: boolean;
  visit: Visit | null;
}

/** What the visitor did: always with a `name`. */
export interface Deed {
  name: string;
  [field: string]: any;
}

/** A figure's coordinates turned into those of its drawing, and back. */
export interface Plot {
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  w: number;
  h: number;
  X(x: number): number;
  Y(y: number): number;
  backX(px: number): number;
  backY(py: number): number;
  firstLink?: string;
}

export interface Grid {
  rows: number;
  columns: number;
  bytes: string;
}
