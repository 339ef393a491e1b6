// An MLLP sender by Medplum's library: sends each line of standard input (a message as a JSON text) to the port
// named first, and prints the code and control id of each answer.
const readline = require('node:readline');
const { Hl7Message } = require('@medplum/core');
const { Hl7Client } = require('@medplum/hl7');

const client = new Hl7Client({ host: '127.0.0.1', port: Number(process.argv[2]) });
(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const answer = await client.sendAndWait(Hl7Message.parse(JSON.parse(line)));
    const said = answer.getSegment('MSA');
    console.log(JSON.stringify([said.getField(1).toString(), said.getField(2).toString()]));
  }
  client.close();
})();
