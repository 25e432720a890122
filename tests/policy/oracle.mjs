// Decides the cases on standard input (one JSON object a line) with @cloud-copilot/iam-simulate, one answer a line.
// argv[2] is the folder whose node_modules holds the package.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join, resolve } from "node:path";

const { runSimulation, anonymousPrincipal } = createRequire(join(resolve(process.argv[2]), "package.json"))(
  "@cloud-copilot/iam-simulate",
);

const named = (documents) => documents.map((policy, index) => ({ name: `policy-${index}`, policy }));
const levels = (layer) =>
  (layer ?? []).map((documents, index) => ({ orgIdentifier: `level-${index}`, policies: named(documents) }));

async function decide(kase) {
  const answer = await runSimulation(
    {
      request: {
        principal: kase.principal || anonymousPrincipal,
        action: kase.action,
        resource: { resource: kase.resource, accountId: kase.resource_account },
        contextVariables: kase.context,
      },
      identityPolicies: named(kase.identity),
      serviceControlPolicies: levels(kase.scps),
      resourceControlPolicies: levels(kase.rcps),
      ...(kase.resource_policy && { resourcePolicy: kase.resource_policy }),
      ...(kase.boundary && { permissionBoundaryPolicies: named(kase.boundary) }),
      ...(kase.session && { sessionPolicy: kase.session }),
    },
    {},
  );
  return answer.resultType === "error" ? `error: ${JSON.stringify(answer.errors)}` : answer.overallResult;
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await decide(JSON.parse(line));
  } catch (error) {
    answer = `error: ${error.message}`;
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
