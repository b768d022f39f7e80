// The tests run where the hub does.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
