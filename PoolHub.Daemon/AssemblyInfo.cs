// The hub runs on Linux: file modes, signals and sockets are used as they are there.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
