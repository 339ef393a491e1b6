// An MLLP receiver by Medplum's library: prints its port, then one line of JSON for each message as that library reads it.
const { Hl7Server } = require('@medplum/hl7');

const server = new Hl7Server((connection) => {
  connection.addEventListener('message', ({ message }) => {
    const rows = message.segments.map((segment) => segment.fields.map((field) => field.toString()));
    console.log(JSON.stringify(rows));
    connection.send(message.buildAck());
  });
});
server.start(0);
server.server.on('listening', () => console.log(JSON.stringify({ port: server.server.address().port })));
