// The hub runs on Linux, and what is measured here is read from /proc.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
