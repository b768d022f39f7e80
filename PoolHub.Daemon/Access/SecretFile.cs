using System.Buffers.Text;
using System.Security.Cryptography;

namespace PoolHub.Daemon.Access;

/// <summary>Secrets of the hub's own making, in the state directory, readable by its user only.</summary>
internal static class SecretFile
{
    public const string CoordinatorSecret = "coordinator-secret";
    public const string AdminToken = "admin-token";
    public const string SessionKey = "session-key";

    /// <summary>The secret that systemd has passed under this name; null when it has not.</summary>
    public static string? Find(string? credentialsDir, string name) =>
        credentialsDir is not null && Path.Combine(credentialsDir, name) is var path && File.Exists(path)
            && File.ReadAllText(path).Trim() is { Length: > 0 } secret
            ? secret
            : null;

    /// <summary>Reads the secret, or makes one of 256 random bits.</summary>
    public static string ReadOrCreate(string stateDir, string name, out string path)
    {
        path = Path.Combine(stateDir, name);
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } existing)
        {
            return existing;
        }
        Directory.CreateDirectory(stateDir);
        string secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        // Written aside and moved into place: a crash leaves no half of a secret.
        string fresh = path + ".new";
        File.Delete(fresh);
        using (var stream = new FileStream(fresh, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        using (var writer = new StreamWriter(stream))
        {
            writer.Write(secret);
            writer.Write('\n');
            writer.Flush();
            stream.Flush(flushToDisk: true);
        }
        File.Move(fresh, path, overwrite: true);
        return secret;
    }
}
