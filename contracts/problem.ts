import Type, { type Static } from 'typebox'

/** RFC 9457 problem details, as every service answers an error. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'urn:timesale:problem:<code>' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'A key of contracts/refusals.ts' }),
    detail: Type.Optional(Type.String()),
    accepted: Type.Optional(Type.Boolean({ description: 'false: this request has had no effect and will have none' })),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), message: Type.String() }), {
        description: 'Which field is wrong, and why',
      }),
    ),
  },
  { additionalProperties: true, description: 'RFC 9457 problem details' },
)
export type Problem = Static<typeof Problem>
