namespace PoolHub.Daemon.Storage;

/// <summary>Files that only the hub's user may read.</summary>
internal static class StateDirectory
{
    public static void Create(string stateDir)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(stateDir);
        }
        else
        {
            Directory.CreateDirectory(stateDir, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    public static FileStreamOptions OwnerOnly(FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        return options;
    }
}
