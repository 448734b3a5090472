//! A program to run, in the messages of the protocol.

use base::digest::Digest;
use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use bazel_remote_apis::google::protobuf::Duration;
use prost::Message;
use runtime::remote::{Blob, Execution};

use crate::resource;

/// A message that the server must have as a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its digest and size.
    pub blob: Blob,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Sent {
    fn of(message: &impl Message) -> Self {
        let bytes = message.encode_to_vec();
        Self { blob: Blob { sha256: Digest::of_bytes(&bytes), size_bytes: bytes.len() as u64 }, bytes }
    }

    fn digest(&self) -> Option<reapi::Digest> {
        Some(resource::digest(&self.blob))
    }
}

/// The messages for a program. The last one is the action, by whose digest it is executed.
pub fn messages(execution: &Execution) -> [Sent; 3] {
    let file = |(name, file): (&String, &runtime::remote::InputFile)| reapi::FileNode {
        name: name.clone(),
        digest: Some(resource::digest(&file.blob)),
        is_executable: file.is_executable,
        node_properties: None,
    };
    // Files, properties and outputs are sorted, as the protocol requires.
    let root = Sent::of(&reapi::Directory { files: execution.inputs.iter().map(file).collect(), ..Default::default() });
    let property = |(name, value): (&String, &String)| reapi::platform::Property { name: name.clone(), value: value.clone() };
    let platform = reapi::Platform { properties: execution.properties.iter().map(property).collect() };
    let mut outputs = execution.outputs.clone();
    outputs.sort();
    // Servers read the platform of either, so both have it.
    #[expect(deprecated, reason = "some servers read the command's platform only")]
    let command = Sent::of(&reapi::Command {
        arguments: execution.arguments.clone(),
        output_paths: outputs,
        platform: Some(platform.clone()),
        ..Default::default()
    });
    let action = Sent::of(&reapi::Action {
        command_digest: command.digest(),
        input_root_digest: root.digest(),
        timeout: Some(Duration { seconds: execution.run_s.into(), nanos: 0 }),
        platform: Some(platform),
        ..Default::default()
    });
    [root, command, action]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use runtime::remote::{Earlier, InputFile};

    use super::*;

    #[test]
    fn a_program_has_three_messages() {
        let content = Blob { sha256: Digest::of_bytes("x"), size_bytes: 1 };
        let file = |is_executable| InputFile { blob: content, path: "/anywhere".into(), is_executable };
        let execution = Execution {
            arguments: vec!["./run".into(), "it".into()],
            inputs: BTreeMap::from([("run".into(), file(true)), ("data".into(), file(false))]),
            outputs: vec!["out/z".into(), "out/a".into()],
            properties: BTreeMap::from([("ISA".into(), "x86-64".into())]),
            queue_s: 1,
            run_s: 60,
            earlier: Earlier::Used,
        };
        let [root, command, action] = messages(&execution);
        let directory = reapi::Directory::decode(&root.bytes[..]).unwrap();
        let files: Vec<_> = directory.files.iter().map(|file| (file.name.as_str(), file.is_executable)).collect();
        assert_eq!(files, [("data", false), ("run", true)]);
        assert_eq!(reapi::Command::decode(&command.bytes[..]).unwrap().output_paths, ["out/a", "out/z"]);
        let read = reapi::Action::decode(&action.bytes[..]).unwrap();
        assert_eq!((read.command_digest, read.input_root_digest), (command.digest(), root.digest()));
        assert_eq!((read.timeout.unwrap().seconds, read.platform.unwrap().properties.len()), (60, 1));
        let elsewhere = InputFile { path: "/elsewhere".into(), ..file(true) };
        let moved = Execution { inputs: BTreeMap::from([("run".into(), elsewhere), ("data".into(), file(false))]), ..execution };
        assert_eq!(messages(&moved)[2], action, "where files are on this machine does not matter");
    }
}
