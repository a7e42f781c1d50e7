/** The schema of a JSON merge patch (RFC 7396), derived from the schema of the object that it changes. */
import * as z from "zod";

/** The object's schema with every field optional, `null` to remove one, and any part of an inner object. */
export const mergePatchOf = (object: z.ZodObject): z.ZodObject =>
  z.strictObject(
    Object.fromEntries(
      Object.entries(object.shape).map(([name, field]) => {
        const { id: _id, ...meta } = metaOf(field);
        return [name, z.nullish(patchable(field)).meta(meta)];
      }),
    ),
  );

/** The meta of a field: its own, or that of the type that it wraps. */
function metaOf(field: z.core.$ZodType): z.core.GlobalMeta {
  const own = z.globalRegistry.get(field);
  const isWrapped = field instanceof z.ZodDefault || field instanceof z.ZodPrefault || field instanceof z.ZodOptional;
  return own === undefined && isWrapped ? metaOf(field.def.innerType) : (own ?? {});
}

/** The field in a merge patch. It has no default, and an object may be partial. */
function patchable(field: z.core.$ZodType): z.core.$ZodType {
  if (field instanceof z.ZodDefault || field instanceof z.ZodPrefault || field instanceof z.ZodOptional) {
    return patchable(field.def.innerType);
  }
  if (field instanceof z.ZodObject) return mergePatchOf(field);
  // In a record, `null` removes an entry. Rules for the whole record are checked after the merge.
  return field instanceof z.ZodRecord ? z.record(field.def.keyType, z.nullable(field.def.valueType)) : field;
}
