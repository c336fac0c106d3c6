using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Driver;
using Handwritten.CudaEmulator.Execution;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

/// <summary>
/// A driver of its own for every test, with a context that is current. Its queue leaves work that nobody waits for lying for
/// longer than any test takes on however busy a machine, so that what a test sees does not hang on time.
/// </summary>
public abstract class DriverFixture : IDisposable
{
    private readonly List<string> _log = [];

    private protected DriverFixture(params IReadOnlyList<DeviceProfile> profiles)
    {
        Cuda = new EmulatedDriver(CheckSet.All, profiles.Count > 0 ? profiles : [DeviceProfile.All[0]]);
        Cuda.Queue.Grace = Cuda.Queue.Patience = TimeSpan.FromMinutes(5);
        Context = CudaContext.Create(Cuda, Cuda.Devices[0], 0);
        Cuda.ContextStack.Push(Context);
    }

    private protected EmulatedDriver Cuda { get; }

    private protected CudaContext Context { get; }

    /// <summary>What <see cref="Note"/>s have run so far, in order.</summary>
    private protected string Log
    {
        get
        {
            lock (_log)
                return string.Join(' ', _log);
        }
    }

    private protected CudaStream NewStream(bool isBlocking = false) => Context.CreateStream(isBlocking, 0);

    private protected CudaEvent NewEvent(bool hasTiming = true) => new(Context, hasTiming);

    /// <summary>Work that notes that it ran.</summary>
    private protected Work Note(string name) => new TestWork(() =>
    {
        lock (_log)
            _log.Add(name);
    });

    /// <summary>Work that fails as a kernel does.</summary>
    private protected static Work Fault(CudaResult result) => new TestWork(() => throw new DeviceFaultException(result, "planted"));

    private protected static CudaException Fails(CudaResult result, Action action)
    {
        var exception = Assert.Throws<CudaException>(action);
        Assert.Equal(result, exception.Result);
        return exception;
    }

    public void Dispose()
    {
        Cuda.Dispose();
        GC.SuppressFinalize(this);
    }

    internal sealed record TestWork(Action Body) : Work
    {
        public override NodeKind Kind => NodeKind.Kernel;

        public override void Run(EmulatedDriver driver) => Body();

        public override UpdateResult CheckUpdate(Work other) => UpdateResult.Success;
    }
}
