using System.Buffers.Text;
using System.Text;

namespace PoolHub.Benchmarks.Children;

/// <summary>Redis' RESP2.</summary>
internal sealed class RedisDialect : IDialect
{
    public int LengthOf(ReadOnlySpan<byte> received)
    {
        int end = received.IndexOf("\r\n"u8);
        if (end < 0)
        {
            return 0;
        }
        int whole = end + 2;
        switch (received[0])
        {
            case (byte)'+' or (byte)':':
                return whole;
            case (byte)'$':
                int length = Number(received[1..end]);
                whole += length < 0 ? 0 : length + 2;
                return received.Length >= whole ? whole : 0;
            case (byte)'*':
                for (int left = Number(received[1..end]); left > 0; left--)
                {
                    int element = LengthOf(received[whole..]);
                    if (element == 0)
                    {
                        return 0;
                    }
                    whole += element;
                }
                return whole;
            default:
                throw new InvalidDataException(Encoding.UTF8.GetString(received[..end]));
        }
    }

    /// <summary>A command as the protocol writes it.</summary>
    public static byte[] Command(params string[] words)
    {
        var command = new StringBuilder($"*{words.Length}\r\n");
        foreach (string word in words)
        {
            command.Append($"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        }
        return Encoding.UTF8.GetBytes(command.ToString());
    }

    private static int Number(ReadOnlySpan<byte> digits) =>
        Utf8Parser.TryParse(digits, out int value, out _) ? value : throw new InvalidDataException("a length that is no number");
}
