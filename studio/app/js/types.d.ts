/** What the modules share with Gradio and with the server. */

/** What Gradio gives to the script of a `gr.HTML`, and the value the widget was built with. */
export interface Widget<Props = Record<string, any>> {
  element: HTMLElement;
  props: Props & { value: any };
  first: any;
  server: Record<string, (...given: any[]) => Promise<any>>;
  upload(file: File): Promise<{ path?: string; url?: string } | null>;
  watch(name: string, heard: () => void): void;
  trigger(event: string, data?: object): void;
}

/** A file that the page offers to the server: see `studio.app.intake.Offer`. */
export interface Offer {
  file?: object;
  work?: string;
  job?: string;
  study?: string;
  sample?: string;
  learnt?: string;
  role?: string;
  place?: number;
}

/** A picture as the server shows it: see `studio.app.intake.Shown`. */
export interface Shown {
  view: string;
  width: number;
  height: number;
  name: string;
  title: string;
  author: string;
  licence: string;
  notes: string[];
}

/** A work as a tile: see `studio.app.views.WorkView`. */
export interface Work {
  id: string;
  kind: string;
  title: string;
  words: string;
  made_at: string;
  name: string;
  media_type: string;
  ratio: number;
  facts: Record<string, any>;
  /** The formats a melody can be had in; empty where its notes are not known. */
  exports: { name: string; label: string }[];
  /** Whether its file is a score that bars can be kept from. */
  reads_back: boolean;
  /** Whether it came with the studio and is in nobody's gallery. */
  on_show: boolean;
  starred: boolean;
  /** Works of one session with the same one are takes of the same wish. */
  series: string;
  /** When a work in the trash is deleted for good. */
  gone_at?: string;
  file: string;
  view: string;
  thumb: string;
}

export interface Source {
  role: string;
  name: string;
  title: string;
  author: string;
  licence: string;
  view: string;
}

/** The family of a work: see `studio.works.lineage`. */
export interface Family {
  kin: { work: Work; generation: number; parents: string[] }[];
  left_out: number;
}

/** A work with everything known of it: see `studio.app.views.WorkPage`. */
export interface WorkPage extends Work {
  recipe: Record<string, any>;
  sources: Source[];
  parents: Work[];
  children: Work[];
  family: Family;
  losses: number[];
  sha256: string;
}

/** A kind of work as the gallery shows it: see `studio.app.room.kinds_shown`. */
export interface Kind {
  name: string;
  label: string;
  medium: string;
  losses: string;
  tab: string;
  again: string;
}

/** A setting that a refusal suggests to change. */
export interface WayOut {
  label: string;
  field: string;
  value: any;
  /** Brings one to the setting that is wrong, and changes nothing. */
  goes?: boolean;
}

/** How a job stands, as the stage and the takes are told. */
export interface Job {
  id: string;
  state: string;
  done: number;
  total: number;
  stage: string;
  seconds_left: number | null;
  most_left?: number | null;
  position: number | null;
  message: string | null;
  preview: string | null;
  ratio?: number;
  work?: Work;
  /** What was learnt, where it is no work. */
  title?: string;
  was_there?: boolean;
  ways_out?: WayOut[];
  conflict?: { field: string; value: any }[];
  found?: Record<string, any>;
  seed?: number;
  /** It is one of several that were asked for together: their jobs, and which of them it is. */
  sheet?: { jobs: string[]; place: number };
}

export interface Note {
  at: number;
  for: number;
  pitch: number;
  name: string;
  bar: number;
  order?: number;
  songs?: [string, number][];
  before?: number;
  after?: number;
  returns?: number;
}

/** A melody as numbers: see `music_routes`, `/works/ID/music`. */
export interface Music {
  seconds: number;
  bars: number[];
  meter: string;
  key: string;
  tempo: number;
  notes: Note[];
  copied: [number, number];
  written: [number, number | null][][];
  /** Where the tune ends, in a song whose band plays on. */
  end?: number;
}

/** A work that runs or waits, as this visitor sees it: see `studio.app.desk.Desk.queue`. Of others' works `id`, `title`,
 * `stage` and `picture` are empty. */
export interface Queued {
  id: string;
  state: string;
  kind: string;
  label: string;
  title: string;
  medium: string;
  position: number | null;
  mine: boolean;
  seconds_left: number | null;
  most_left?: number | null;
  seconds_until: number | null;
  can_move_up: boolean;
  stage: string;
  done: number;
  total: number;
  picture: string;
}

/** A part of a song's band: see `SongRenditions.in_parts`. */
export interface SongPart {
  name: string;
  plays: string;
  base: number;
  level: number;
  pan: number;
  mute: boolean;
  solo: boolean;
  kept: boolean;
  /** It plays no note. */
  rests: boolean;
}

/** A song as its tab shows it: see `/works/ID/song`. */
export interface Song {
  sections: { letter: string; first: number; bars: number; key: string }[];
  row: string;
  bars: number;
  form: string;
  band: string;
  parts: SongPart[];
  kept: object[];
  words: { stresses: { bar: number; beat: number; word: string; text: string }[]; checked: number; remarks: string[]; fitted?: string } | null;
  offers: WayOut[];
  laid: string;
  /** Its melodies come as counts: no song is known of any note. */
  counted: boolean;
}
