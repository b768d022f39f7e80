using System.Net.Sockets;
using System.Text;

namespace PoolHub.Daemon.Operations;

/// <summary>
/// Where <c>poolhubd --reload</c> asks a running hub to read its settings again, and hears what became of it: a signal has
/// no answer. The directory is open to the hub's user and root alone. A question is a connection; the answer is a line for
/// each thing that is wrong, or <c>ok</c>.
/// </summary>
internal sealed class ReloadSocket : IAsyncDisposable
{
    private const string FileName = "reload.sock";
    private const string Done = "ok";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly string _path;
    private readonly Task _answering;

    private ReloadSocket(string path, Func<IReadOnlyList<string>> reload)
    {
        _path = path;
        File.Delete(path);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _answering = AnswerAsync(reload);
    }

    /// <summary>None where the hub has no runtime directory.</summary>
    /// <param name="reload">Gives what is wrong; nothing when the settings were taken over.</param>
    /// <exception cref="SocketException">The directory cannot be used.</exception>
    public static ReloadSocket? Open(string? runtimeDir, Func<IReadOnlyList<string>> reload) =>
        runtimeDir is { Length: > 0 } ? new ReloadSocket(Path.Combine(runtimeDir, FileName), reload) : null;

    /// <summary>Asks the running hub; gives what is wrong.</summary>
    public static async Task<IReadOnlyList<string>> AskAsync(string runtimeDir)
    {
        string path = Path.Combine(runtimeDir, FileName);
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), patience.Token);
            await using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            string[] lines = (await reader.ReadToEndAsync(patience.Token)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return lines is [Done] ? [] : lines is [] ? ["the hub did not answer"] : lines;
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            return [$"no running hub answers at {path}: {e.Message}"];
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _answering;
        File.Delete(_path);
    }

    private async Task AnswerAsync(Func<IReadOnlyList<string>> reload)
    {
        try
        {
            while (true)
            {
                using Socket asker = await _listener.AcceptAsync();
                IReadOnlyList<string> problems = reload();
                string answer = problems.Count == 0 ? Done : string.Join('\n', problems.Select(p => p.ReplaceLineEndings(" ")));
                try
                {
                    _ = await asker.SendAsync(Encoding.UTF8.GetBytes(answer + "\n"));
                }
                catch (SocketException)
                {
                    // It did not wait for the answer.
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The hub stops.
        }
    }
}
