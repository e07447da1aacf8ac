/**
 * Names that belong to a subject, so that no other subject can take them over. A name has no
 * control characters, so the last NUL separates subject and name.
 */

const BETWEEN = "\0";

/** The name within the subject; unchanged if no authentication is configured. */
export function scopedName(subject: string, name: string): string {
  return subject === "" ? name : `${subject}${BETWEEN}${name}`;
}

/** The subject and name of a scoped name. */
export function readScopedName(scoped: string): { subject?: string; name: string } {
  const at = scoped.lastIndexOf(BETWEEN);
  if (at < 0) return { name: scoped };
  return { subject: scoped.slice(0, at), name: scoped.slice(at + 1) };
}
